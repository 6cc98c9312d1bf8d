"""A stack's file says each thing once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.config import document_from_file
from infra.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

TWICE = """\
config:
  densenet-triton:endpoint:
    clients:
      alice: {secure: v1:geheim}
      bob: {secure: v1:geheim}
      alice: {secure: v1:geheim}
"""


def test_a_client_named_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(TWICE)
    with pytest.raises(ConfigError) as caught:
        document_from_file(file)
    assert caught.value.lines == (
        f"{file}: key alice stands in line 4 and again in line 6; accepted: YAML; mend: edit {file}",
    )


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: {b: 1, b: 1}\n", "a: [{b: 1, b: 1}]\n", '"a": 1\na: 2\n'])
def test_no_key_stands_twice(tmp_path: Path, text: str) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="stands in line"):
        document_from_file(file)


def test_the_same_key_in_two_groups_is_two(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text("a: {b: 1}\nc: {b: &d {e: 1}}\nf: {<<: *d, e: 2}\n")
    assert document_from_file(file) == {"a": {"b": 1}, "c": {"b": {"e": 1}}, "f": {"e": 2}}
