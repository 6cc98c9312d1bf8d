import pytest

from gate.evidence.document import Subject, Verdict
from gate.evidence.record import Record
from infra.config import keep_secret
from tests.unit.gate.runs import subject

SECRET = "https://h/m?sig=geheim"  # noqa: S105 - of the test


def record() -> Record:
    subject = Subject(commit="", stack="prod", namespace="prod", plan_id="", model_name="")
    return Record(stack="prod", action="deploy", candidate=subject)


def test_what_is_unknown_has_neither_passed_nor_failed() -> None:
    made = record()

    with made.check("nodes and GPUs") as unknown:
        unknown += ["unknown: this", "unknown: that"]

    (check,) = made.before
    assert (check.outcome, check.message) == ("skipped", "unknown: this\nunknown: that")


def test_a_check_passes_that_says_nothing() -> None:
    made = record()

    with made.check("nodes and GPUs"):
        pass

    (check,) = made.before
    assert (check.outcome, check.message) == ("passed", "")


def test_the_error_that_ends_a_check_is_its_message() -> None:
    made = record()

    with pytest.raises(ValueError, match="invalid literal"), made.check("nodes and GPUs"):
        int("no node")

    (check,) = made.before
    assert (check.outcome, check.message) == ("failed", "invalid literal for int() with base 10: 'no node'")


def test_evidence_has_no_secret_whoever_has_named_it() -> None:
    keep_secret([SECRET])
    record = Record(stack="staging", action="deploy", candidate=subject())
    with pytest.raises(ValueError, match="geheim"), record.check("configuration"):
        raise ValueError(f"{SECRET} does not answer")
    record.forecast = (SECRET,)

    evidence = record.evidence(Verdict(status=1, reasons=(f"no {SECRET}",)))

    assert evidence.verdict.reasons == ("no [secret]",)
    assert evidence.forecast == ("[secret]",)
    assert evidence.before[0].message == "[secret] does not answer"
    assert "geheim" not in evidence.model_dump_json()


def test_evidence_without_secrets_is_as_it_was_recorded() -> None:
    record = Record(stack="staging", action="deploy", candidate=subject())
    assert record.evidence(Verdict(status=1, reasons=("why",))).verdict.reasons == ("why",)
