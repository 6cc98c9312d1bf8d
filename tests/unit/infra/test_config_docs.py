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
