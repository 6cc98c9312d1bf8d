"""What a preview said, from the engine's events."""

from __future__ import annotations

from typing import Any

import pytest

from gate.before.preview import PolicyResult, Preview, preview_from_events
from gate.errors import RefusedError
from tests.unit.gate.preview_events import error, gap, log, replacement, step, urn

FINDING = {
    "resourceUrn": urn("triton-deployment"),
    "message": "<{%reset%}>Images are named by digest.\nDeployment x/triton: image a:1 is named by its tag\n",
    "policyName": "images-by-digest",
    "enforcementLevel": "mandatory",
}


def read(*events: dict[str, Any]) -> Preview:
    return preview_from_events(log(*events))


def test_a_step_says_what_changes() -> None:
    (found,) = read(step("update", "triton-deployment", "spec.replicas", "spec.paused")).steps
    assert (found.name, found.type, found.op) == ("triton-deployment", "kubernetes:apps/v1:Deployment", "update")
    assert found.changed == ("spec.paused", "spec.replicas")
    assert found.replacing == ()


def test_a_replacement_is_one_step_with_its_reason() -> None:
    (found,) = read(*replacement("plan-job", "metadata.name")).steps
    assert (found.op, found.replacing, found.gone_meanwhile) == ("replace", ("metadata.name",), False)


def test_what_is_deleted_before_its_replacement_is_gone_meanwhile() -> None:
    assert [found.gone_meanwhile for found in read(*gap("triton-service", "spec.clusterIP")).steps] == [True]


def test_what_waited_for_deletion_is_no_gap() -> None:
    """The engine deletes it after an update of the same resource, or beside an unchanged one."""
    found = read(step("same", "plan-job"), step("delete-replaced", "plan-job", old="x/plan-1"))
    assert [(step.op, step.gone_meanwhile) for step in found.steps] == [("same", False)]


def test_an_object_that_is_made_and_then_deleted_is_found() -> None:
    found = read(
        step("create-replacement", "triton-proof", old="x/proof-b", new="x/proof-a"),
        step("replace", "triton-proof", old="x/proof-b", new="x/proof-a"),
        step("delete-replaced", "triton-proof", old="x/proof-b"),
        step("delete-replaced", "triton-proof", old="x/proof-a"),
    )
    assert found.deleted_again == ((urn("triton-proof"), "x/proof-a"),)


def test_an_object_whose_name_a_build_will_tell_is_not() -> None:
    unknown = "x/04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    found = read(
        step("create-replacement", "triton-proof", old="x/proof-a", new=unknown),
        step("replace", "triton-proof", "metadata.name", keys=["metadata.name"], old="x/proof-a", new=unknown),
        step("delete-replaced", "triton-proof", old="x/proof-a"),
    )
    assert found.deleted_again == ()
    assert [(each.op, each.gone_meanwhile) for each in found.steps] == [("replace", False)]


def test_an_object_that_is_deleted_and_then_made_is_not() -> None:
    found = read(
        step("delete-replaced", "triton-service", old="x/triton"),
        step("create-replacement", "triton-service", old="x/triton", new="x/triton"),
    )
    assert found.deleted_again == ()


def test_a_finding_is_its_line_without_the_rules_description() -> None:
    found = read({"policyEvent": FINDING})
    (policy,) = found.policies
    assert policy == PolicyResult(
        name="images-by-digest",
        level="mandatory",
        resource=urn("triton-deployment"),
        message="Deployment x/triton: image a:1 is named by its tag",
    )
    assert found.violations == (policy,)


def test_an_advice_is_no_violation() -> None:
    assert read({"policyEvent": {**FINDING, "enforcementLevel": "advisory"}}).violations == ()


def test_the_rules_that_were_applied_are_known() -> None:
    assert read().rules == ()
    assert read(
        {"policyAnalyzeSummaryEvent": {"passed": ["b"], "failed": ["a"]}},
        {"policyAnalyzeStackSummaryEvent": {"passed": ["c"]}},
    ).rules == ("a", "b", "c")


def test_an_error_is_one_line_with_its_resource() -> None:
    assert read(error("2 errors occurred:\n\t* no\n\t* way\n", "plan-job")).errors == (
        "plan-job: 2 errors occurred: * no * way",
    )


def test_what_only_follows_from_an_error_is_left_out() -> None:
    follows = error(f"expected resource operations for {urn('plan-job')} but none were seen")
    assert read(error("no", "plan-job"), follows, error("update failed")).errors == ("plan-job: no",)
    assert len(read(follows, error("update failed")).errors) == 1
    assert read(error("preview failed")).errors == ("preview failed",)


def test_a_long_error_is_cut() -> None:
    (line,) = read(error("violates plan: " + "x" * 1000)).errors
    assert len(line) == 500


def test_a_field_that_another_manager_holds_is_one_line() -> None:
    said = 'had an apply conflict: Apply failed with 1 conflict: conflict with "other": .spec.replicas\n\n'

    (line,) = read(error(said, "triton-deployment"), error("preview failed")).errors

    assert line.startswith("Deployment triton-deployment: .spec.replicas is held by field manager 'other'")


def test_other_diagnostics_are_no_errors() -> None:
    assert read({"diagnosticEvent": {"message": "rollout: surge", "severity": "info"}}).errors == ()


def test_a_log_without_an_end_is_an_error() -> None:
    assert preview_from_events(log(step("same", "namespace"), whole=False)).errors == (
        "Pulumi did not come to its end",
    )


@pytest.mark.parametrize("line", ["{", "[]", "no event"])
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(RefusedError, match="a line that is no event"):
        preview_from_events([line])
