import pytest

from gate.evidence.document import Verdict
from gate.evidence.record import Record
from infra.config import keep_secret
from tests.unit.gate.runs import subject

SECRET = "https://h/m?sig=geheim"  # noqa: S105 - of the test


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
