"""JUnit reports: the smoke tests', which the gate reads, and the gate's own, which a pipeline shows."""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from gate.errors import GateError
from gate.evidence.document import Check, Evidence, SmokeRun

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def smoke_run_from_junit(path: Path, when: Literal["after", "after the pause", "restored"]) -> SmokeRun:
    """Read what one run of the smoke tests found.

    Args:
        path: the file that pytest's ``--junit-xml`` wrote.
        when: in the gate's sequence.

    Returns:
        A check for each test; its figures are the properties that are finite numbers. The run's exit status is a
        verdict of its own: a run that broke off has a report too.

    Raises:
        GateError: one line; there is no report, or no test was run, which is never a pass.
    """
    mend = "the smoke tests' own output says why; run the gate again"
    try:
        suites = list(ET.parse(path).iter("testsuite"))  # noqa: S314 - written by pytest, just now
    except (OSError, ET.ParseError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise GateError(f"the smoke tests left no report in {path} ({reason}); {mend}") from None
    checks = tuple(_check(case) for suite in suites for case in suite.iter("testcase"))
    if all(check.outcome == "skipped" for check in checks):
        raise GateError(f"{path}: no smoke test was run, and that is never a pass; {mend}")
    return SmokeRun(when=when, seconds=sum(float(suite.get("time", "0")) for suite in suites), checks=checks)


def junit_from_evidence(evidence: Evidence) -> str:
    """Return a run as JUnit XML: a test suite for each stage; those after the policies, where it came to them."""
    root = ET.Element("testsuites", name=f"gate of {evidence.stack}, run {evidence.run}")
    for name, checks in _stages(evidence):
        _append_suite(root, name, checks, timestamp=evidence.started_at.isoformat(timespec="seconds"))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _check(case: ET.Element) -> Check:
    wrong = [*case.iter("failure"), *case.iter("error")]
    skipped = case.findall("skipped")
    return Check(
        name=case.get("name", ""),
        outcome="failed" if wrong else "skipped" if skipped else "passed",
        seconds=float(case.get("time", "0")),
        figures=dict(_figures(case)),
        message="\n".join(element.get("message", "") for element in wrong or skipped),
    )


def _figures(case: ET.Element) -> Iterator[tuple[str, float]]:
    for element in case.iter("property"):
        try:
            figure = float(element.get("value", ""))
        except ValueError:
            continue
        if math.isfinite(figure):
            yield element.get("name", ""), figure


def _stages(evidence: Evidence) -> Iterator[tuple[str, tuple[Check, ...]]]:
    yield "before", evidence.before
    yield (
        "policy",
        tuple(
            Check(
                name=f"{policy.policy}: {policy.resource}",
                outcome="failed" if policy.level == "mandatory" else "passed",
                seconds=0,
                message=policy.message,
            )
            for policy in evidence.policies
        ),
    )
    if deployment := evidence.deployment:
        outcome: Literal["passed", "failed"] = "passed" if deployment.outcome == "succeeded" else "failed"
        message = "\n".join([deployment.outcome, *deployment.reasons])
        yield "deployment", (Check(name="up", outcome=outcome, seconds=deployment.seconds, message=message),)
    for run in evidence.smoke:
        yield run.when if run.when == "restored" else f"smoke {run.when}", run.checks


def _append_suite(root: ET.Element, name: str, checks: tuple[Check, ...], *, timestamp: str) -> None:
    outcomes = [check.outcome for check in checks]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(checks)),
        failures=str(outcomes.count("failed")),
        errors="0",
        skipped=str(outcomes.count("skipped")),
        time=f"{sum(check.seconds for check in checks):.3f}",
        timestamp=timestamp,
    )
    for check in checks:
        _append_case(suite, name, check)


def _append_case(suite: ET.Element, stage: str, check: Check) -> None:
    name, message = _printable(check.name), _printable(check.message)
    case = ET.SubElement(suite, "testcase", classname=f"gate.{stage}", name=name, time=f"{check.seconds:.3f}")
    if check.figures:
        properties = ET.SubElement(case, "properties")
        for figure, value in check.figures.items():
            ET.SubElement(properties, "property", name=_printable(figure), value=f"{value:g}")
    if check.outcome == "failed":
        ET.SubElement(case, "failure", message=message).text = message
    elif check.outcome == "skipped":
        ET.SubElement(case, "skipped", message=message)
    elif message:
        ET.SubElement(case, "system-out").text = message


def _printable(text: str) -> str:
    """Text without the characters that XML has no way to write."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
