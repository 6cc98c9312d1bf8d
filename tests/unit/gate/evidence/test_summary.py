import json
from pathlib import Path

import pytest

from gate.evidence.document import Check, Evidence, Subject, Verdict, evidence_from_json
from gate.evidence.summary import summary_from_evidence, write_reports
from tests.unit.gate.runs import WRONG, failed_run, good_run

GOLDEN = "test_every_score_is_the_golden[triton.example:80-mug.png]"


def first_line(run: Evidence) -> str:
    return summary_from_evidence(run).splitlines()[0]


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (good_run(), "## staging: deployed and proven"),
        (good_run(action="promote"), "## staging: promoted and proven"),
        (good_run(action="rollback"), "## staging: rolled back and proven"),
        (good_run(verdict=Verdict(status=1)), "## staging: refused, nothing was changed"),
        (failed_run(), "## staging: failed; the last good release 20261122T101112Z is back and proven again"),
        (good_run(verdict=Verdict(status=3)), "## staging: failed, and no proven release serves"),
    ],
)
def test_the_verdict_is_the_first_line(run: Evidence, line: str) -> None:
    assert first_line(run) == line


def test_a_good_run_says_who_what_how_long_and_how_right() -> None:
    lines = summary_from_evidence(good_run()).splitlines()
    for line in (
        f"| commit | `{'c' * 40}` | `{'b' * 40}` |",
        "| plan | `4962527776e8fcd8` | the same |",
        f"| image of triton | `registry.example/triton@sha256:{1:064}` | `registry.example/triton@sha256:{0:064}` |",
        "| GPU | NVIDIA-H800, compute capability 9.0, driver 550.54.15 | the same |",
        "- serving.replicas: 1 -> 2",
        "- replaced: Deployment triton; expected downtime: none",
        "### Deployment: succeeded after 61.5 s",
        "| node | 3.0 |",
        "| build | unknown, or not in this run |",
        "| before | 1 | 0 | 0 |",
        "| smoke tests after | 1 | 0 | 1 |",
        f"| after | {GOLDEN} | max_difference_spreads 0.0025, tolerance_spreads 0.01 |",
        r"| known-faults | advisory | triton | &lt;2.51> \| has a fix |",
    ):
        assert line in lines


def test_a_failed_run_shows_what_failed_and_how_long_it_served() -> None:
    summary = summary_from_evidence(failed_run())
    assert "- the smoke tests after the pause failed\n" in summary
    assert "The candidate, found wrong later, was serving for 62.5 s.\n" in summary
    assert f"Failed smoke tests after the pause: `scores`\n\n```text\n{WRONG}\n```\n" in summary


def test_what_was_unknown_before_is_said_in_full() -> None:
    unknown = Check(name="nodes and GPUs", outcome="skipped", seconds=0, message="unknown: whether nodes are there")

    summary = summary_from_evidence(good_run(before=(unknown,)))

    assert "| before | 0 | 0 | 1 |\n" in summary
    assert "Unknown before: `nodes and GPUs`\n\n```text\nunknown: whether nodes are there\n```\n" in summary


def test_a_message_with_a_fence_stays_in_its_own() -> None:
    check = Check(name="up", outcome="failed", seconds=0, message="````\nno\n````")
    assert "`````text\n````\nno\n````\n`````\n" in summary_from_evidence(good_run(before=(check,)))


def test_the_first_release_has_nothing_to_differ_from() -> None:
    summary = summary_from_evidence(good_run(previous=None, differences=(), policies=()))
    assert "### Differences from the last good release (none)\n\n- none\n" in summary
    assert "No violation.\n" in summary
    assert "the same" not in summary


def test_what_is_not_known_yet_is_left_out() -> None:
    unknown = Subject(commit="", stack="staging", namespace="triton-staging", model_name="", plan_id="")
    summary = summary_from_evidence(good_run(candidate=unknown, previous=None, deployment=None, smoke=(), phases=()))
    assert "| commit |  |  |\n" in summary
    for absent in ("manifest", "image", "nodes", "GPU", "URL", "### Deployment", "### Phases", "### Figures", "None"):
        assert absent not in summary


def test_the_reports_are_written_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "staging" / "20261123T011200Z"
    write_reports(good_run(), folder)
    write_reports(failed_run(), folder)
    assert {path.name for path in folder.iterdir()} == {"evidence.json", "junit.xml", "summary.md"}
    assert evidence_from_json((folder / "evidence.json").read_text(), "evidence.json") == failed_run()
    assert (folder / "summary.md").read_text() == summary_from_evidence(failed_run())


def test_a_report_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_reports(good_run(), tmp_path)
    monkeypatch.setattr("gate.evidence.summary.json_from_evidence", lambda _: "half of a document \ud800")
    with pytest.raises(UnicodeEncodeError):
        write_reports(failed_run(), tmp_path)
    assert json.loads((tmp_path / "evidence.json").read_text())["verdict"]["status"] == 0
