from pathlib import Path

import pytest

from gate.evidence import verdict
from gate.evidence.verdict import closed, say
from infra.config import keep_secret
from tests.unit.gate.runs import good_run


def test_a_verdict_is_said_and_its_evidence_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verdict, "ROOT", tmp_path)
    monkeypatch.setattr(verdict, "EVIDENCE", tmp_path / "evidence")

    assert closed(good_run()) == 0

    assert "gate: staging: deployed and proven (status 0)\n" in capsys.readouterr().err
    folder = tmp_path / "evidence" / "staging" / good_run().run
    assert {path.name for path in folder.iterdir()} == {"evidence.json", "junit.xml", "summary.md"}


def test_evidence_that_cannot_be_written_changes_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evidence").write_text("in the way")
    monkeypatch.setattr(verdict, "EVIDENCE", tmp_path / "evidence")

    assert closed(good_run()) == 0

    assert "the evidence could not be written to" in capsys.readouterr().err


def test_a_whole_name_has_the_folder_of_its_last_part_and_no_secret_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verdict, "ROOT", tmp_path)
    monkeypatch.setattr(verdict, "EVIDENCE", tmp_path / "evidence")
    keep_secret(["https://h/m?sig=geheim"])

    closed(good_run(stack="acme/densenet-triton/staging"))
    say("no answer from https://h/m?sig=geheim")

    assert (tmp_path / "evidence" / "staging" / good_run().run / "summary.md").exists()
    assert capsys.readouterr().err.endswith("no answer from [secret]\n")
