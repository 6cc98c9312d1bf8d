"""The committed reference is what the models say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.config import REPOSITORY
from infra.config.groups import Groups
from infra.config.schema import fields_of, models_of
from infra.config_docs import main, reference

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_committed_reference_is_current() -> None:
    committed = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert committed == reference(), "make it anew: python -m infra.config_docs --write"


def test_what_may_be_written_in_two_ways_is_told_in_both() -> None:
    text = reference()
    assert "| `image` | path or `{url, sha256}` |" in text
    assert "| `imageSize` | whole number or list of whole numbers |" in text
    assert "| `also` | list of groups |" in text


def test_a_group_is_described_once_wherever_it_may_stand() -> None:
    headings = [line for line in reference().splitlines() if line.startswith("#")]
    assert headings.count("### `model.expect.image`") == 1
    assert len(headings) == len(set(headings))
    assert not any("otherImage" in line or "also.image" in line for line in headings)


def test_every_key_says_what_it_is_and_has_an_example_or_a_default() -> None:
    for _, group in fields_of(Groups):
        for model in models_of(group.annotation):
            for name, field in fields_of(model):
                assert field.description, f"{model.__name__}.{name}"
                assert field.examples or not field.is_required(), f"{model.__name__}.{name}"


def test_the_reference_is_printed_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "configuration.md"
    monkeypatch.setattr("infra.config_docs.PAGE", page)
    main([])
    assert capsys.readouterr().out == reference()
    assert not page.exists()
    main(["--write"])
    assert capsys.readouterr().out == ""
    assert page.read_text(encoding="utf-8") == reference()
