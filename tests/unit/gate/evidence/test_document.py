import json
from typing import Any

import pytest

from gate.errors import GateError
from gate.evidence.document import SCHEMA_FILE, Check, SmokeRun, evidence_from_json, json_from_evidence, schema_text
from tests.unit.gate.runs import failed_run, good_run


def document(**changes: Any) -> str:
    return json.dumps(json.loads(json_from_evidence(good_run())) | changes)


def test_the_committed_schema_is_what_the_models_say() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "make it anew: python -m gate.evidence.document"


@pytest.mark.parametrize("run", [good_run(), failed_run(), good_run(previous=None, deployment=None, smoke=())])
def test_what_was_written_is_read_again(run: Any) -> None:
    assert evidence_from_json(json_from_evidence(run), "evidence.json") == run


def test_json_has_the_names_of_the_schema() -> None:
    written = json.loads(json_from_evidence(failed_run()))
    schema = json.loads(schema_text())
    assert (written["schema"], written["startedAt"]) == (1, "2026-11-23T01:12:00Z")
    assert set(written) == set(schema["properties"]) == set(schema["required"])
    assert written["verdict"]["servedS"] == 62.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.json is not JSON (Expecting value: line 1 column 1 (char 0)); accepted: evidence of schema 1; mend: "),
        ("[]", "x.json is evidence of schema null; accepted: "),
        (document(schema=2), "x.json is evidence of schema 2; accepted: "),
        (document(schema=True), "x.json is evidence of schema true; accepted: "),
        (document(run="yesterday"), "x.json: run: String should match pattern '^\\d{8}T\\d{6}Z$'; accepted: "),
        (
            document(verdict={"status": 4, "reasons": [], "more": 1}),
            "x.json: verdict.status: Input should be 0, 1, 2, 3 or 130 (and 1 more); ",
        ),
        (document(more=1), "x.json: more: Extra inputs are not permitted; accepted: "),
        (document().replace("startedAt", "started_at"), "x.json: startedAt: Field required (and 1 more); accepted: "),
        (document(startedAt="2026-11-23T01:12:00"), "x.json: startedAt: Input should have timezone info; accepted: "),
    ],
)
def test_what_is_no_evidence_of_this_schema_is_one_line(text: str, said: str) -> None:
    with pytest.raises(GateError) as caught:
        evidence_from_json(text, "x.json")
    assert str(caught.value).startswith(said)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("outcomes", "proven"),
    [((), False), (("skipped",), False), (("passed", "skipped"), True), (("passed", "failed"), False)],
)
def test_nothing_asked_is_nothing_proven(outcomes: tuple[Any, ...], *, proven: bool) -> None:
    checks = tuple(Check(name="test", outcome=outcome, seconds=0) for outcome in outcomes)
    assert SmokeRun(when="after", seconds=0, checks=checks).proven is proven
