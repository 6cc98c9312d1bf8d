import json
from pathlib import Path
from typing import Any

from deploy.pulumi.engine_events import EngineEvents

URN = "urn:pulumi:dev::densenet-triton::"


def step(event: str, op: str, kind: str) -> str:
    metadata = {"op": op, "urn": f"{URN}{kind}::x", "type": f"kubernetes:apps/v1:{kind}"}
    return line({event: {"metadata": metadata}})


def line(event: dict[str, Any]) -> str:
    return json.dumps({"sequence": 1, **event}) + "\n"


def test_what_is_made_now_says_what_is_waited_for(tmp_path: Path) -> None:
    events = EngineEvents(file=tmp_path / "events.json")
    events.read()
    assert events.parts == frozenset()

    with events.file.open("a") as log:
        log.write(step("resourcePreEvent", "create", "Job") + step("resourcePreEvent", "same", "Gateway"))
        log.write(
            step("resourcePreEvent", "create", "ConfigMap") + step("resourcePreEvent", "update", "Deployment")[:9]
        )
    events.read()
    assert events.parts == {"build", "storage"}

    with events.file.open("a") as log:
        log.write(step("resourcePreEvent", "update", "Deployment")[9:] + step("resOutputsEvent", "create", "Job"))
    events.read()
    assert events.parts == {"serving", "storage"}

    with events.file.open("a") as log:
        log.write(step("resOpFailedEvent", "update", "Deployment"))
    events.read()
    assert events.parts == frozenset()


def test_a_job_that_is_deleted_is_not_waited_for(tmp_path: Path) -> None:
    events = EngineEvents(file=tmp_path / "events.json")
    events.file.write_text(step("resourcePreEvent", "delete-replaced", "Job"))

    events.read()

    assert events.parts == frozenset()


def test_errors_are_kept_with_their_place(tmp_path: Path) -> None:
    events = EngineEvents(file=tmp_path / "events.json")
    said = {"urn": f"{URN}Deployment::x", "message": "timed out", "severity": "error"}
    events.file.write_text(line({"diagnosticEvent": said}) + line({"diagnosticEvent": {**said, "severity": "warning"}}))

    events.read()

    assert events.errors == [(f"{URN}Deployment::x", "timed out")]
