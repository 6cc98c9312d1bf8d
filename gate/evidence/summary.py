"""A run for people: Markdown for a pull request or a job's page, and the three reports in their folder."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gate.evidence.document import Check, Evidence, SmokeRun, Subject, json_from_evidence
from gate.evidence.junit import junit_from_evidence

_DONE = {"deploy": "deployed", "promote": "promoted", "rollback": "rolled back"}


def write_reports(evidence: Evidence, folder: Path) -> None:
    """Write ``evidence.json``, ``junit.xml`` and ``summary.md``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_whole(folder / "evidence.json", json_from_evidence(evidence))
    _write_whole(folder / "junit.xml", junit_from_evidence(evidence))
    _write_whole(folder / "summary.md", summary_from_evidence(evidence))


def summary_from_evidence(evidence: Evidence) -> str:
    """Return a run as Markdown, the verdict in its first line."""
    return "\n".join(_lines(evidence)) + "\n"


def _lines(evidence: Evidence) -> Iterator[str]:
    yield f"## {_verdict(evidence)}\n"
    yield from _bullets(evidence.verdict.reasons)
    if evidence.verdict.served_s is not None:
        yield f"The candidate, found wrong later, was serving for {evidence.verdict.served_s:.1f} s.\n"
    yield f"Run `{evidence.run}`, {evidence.started_at:%Y-%m-%d %H:%M:%S %Z} to {evidence.finished_at:%H:%M:%S}.\n"
    yield from _subject(evidence.candidate, evidence.previous)
    last_good = f"commit {evidence.previous.commit}" if evidence.previous else "none"
    yield f"### Differences from the last good release ({last_good})\n"
    yield from _bullets(evidence.differences or ["none"])
    if evidence.forecast:
        yield "### Forecast\n"
        yield from _bullets(evidence.forecast)
    yield from _phases(evidence)
    yield from _checks(evidence)
    yield from _figures(evidence.smoke)
    yield from _policies(evidence)


def _verdict(evidence: Evidence) -> str:
    stack, serving = evidence.stack, evidence.verdict.serving
    return {
        0: f"{stack}: {_DONE[evidence.action]} and proven",
        1: f"{stack}: refused, nothing was changed",
        2: f"{stack}: failed; the last good release {serving} is back and proven again",
        3: f"{stack}: failed, and no proven release serves",
        130: f"{stack}: interrupted; the next gate completes it, or puts the last good release back",
    }[evidence.verdict.status]


def _subject(candidate: Subject, previous: Subject | None) -> Iterator[str]:
    """The candidate's facts, and where they differ the last good release's."""
    before = dict(_facts(previous)) if previous else {}
    yield from _header("", "candidate", "last good")
    for name, fact in _facts(candidate):
        same = before.get(name) == fact
        yield _row(name, fact, "the same" if same else before.get(name, ""))
    yield ""


def _facts(subject: Subject) -> Iterator[tuple[str, str]]:
    yield "commit", _code(subject.commit)
    yield "stack", f"{subject.stack}, namespace {subject.namespace}"
    yield "model", subject.model_name
    yield "plan", _code(subject.plan_id)
    if subject.manifest_sha256:
        yield "manifest", _code(subject.manifest_sha256)
    for container, image in sorted(subject.images.items()):
        yield f"image of {container}", _code(image)
    if subject.nodes:
        yield "nodes", ", ".join(subject.nodes)
    if gpu := subject.gpu:
        yield "GPU", f"{gpu.product}, compute capability {gpu.compute_capability}, driver {gpu.driver}"
    if subject.url:
        yield "URL", subject.url


def _phases(evidence: Evidence) -> Iterator[str]:
    if deployment := evidence.deployment:
        yield f"### Deployment: {deployment.outcome} after {deployment.seconds:.1f} s\n"
        yield from _bullets(deployment.reasons)
    if evidence.phases:
        yield "### Phases\n"
        yield from _header("phase", "seconds")
        yield from (_row(phase.name, _seconds(phase.seconds)) for phase in evidence.phases)
        yield ""


def _checks(evidence: Evidence) -> Iterator[str]:
    yield "### Checks\n"
    runs = {"before": evidence.before} | {f"smoke tests {run.when}": run.checks for run in evidence.smoke}
    yield from _header("stage", "passed", "failed", "skipped")
    for stage, checks in runs.items():
        outcomes = [check.outcome for check in checks]
        yield _row(stage, *(str(outcomes.count(outcome)) for outcome in ("passed", "failed", "skipped")))
    yield ""
    for stage, checks in runs.items():
        yield from (line for check in checks if check.outcome == "failed" for line in _in_full("Failed", stage, check))
    for check in evidence.before:
        if check.outcome == "skipped":
            yield from _in_full("Unknown", "before", check)


def _in_full(what: str, stage: str, check: Check) -> Iterator[str]:
    """A check that did not pass, its text as it is."""
    fence = max(["``", *re.findall("`+", check.message)], key=len) + "`"
    yield f"{what} {stage}: {_code(check.name)}\n"
    yield f"{fence}text\n{check.message}\n{fence}\n"


def _figures(runs: Sequence[SmokeRun]) -> Iterator[str]:
    """Scores against golden, latencies: whatever the smoke tests measured."""
    measured = [(run, check) for run in runs for check in run.checks if check.figures]
    if not measured:
        return
    yield "### Figures\n"
    yield from _header("smoke tests", "test", "figures")
    for run, check in measured:
        figures = ", ".join(f"{name} {value:.6g}" for name, value in check.figures.items())
        yield _row(run.when, check.name, figures)
    yield ""


def _policies(evidence: Evidence) -> Iterator[str]:
    yield "### Policies\n"
    if not evidence.policies:
        yield "No violation.\n"
        return
    yield from _header("policy", "level", "resource", "message")
    yield from (_row(each.policy, each.level, each.resource, each.message) for each in evidence.policies)
    yield ""


def _bullets(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"- {_plain(line)}" for line in lines)
    if lines:
        yield ""


def _header(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|---" * len(names) + "|"


def _row(*cells: str) -> str:
    return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |"


def _plain(text: str) -> str:
    """Text on one line, in which Markdown sees no HTML."""
    return " ".join(text.split()).replace("<", "&lt;")


def _code(text: str) -> str:
    return f"`{text}`" if text and "`" not in text else text


def _seconds(seconds: float | None) -> str:
    return "unknown, or not in this run" if seconds is None else f"{seconds:.1f}"


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
