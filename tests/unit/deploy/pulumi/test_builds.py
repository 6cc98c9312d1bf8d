"""What a run that was cut off has left of a build is removed, and nothing else."""

import json
from typing import Any

import pytest

from deploy.pulumi.builds import end_unknown_build
from infra.config import REPOSITORY, config_from_yaml
from infra.release import release_from_config

DEV = config_from_yaml(REPOSITORY / "Pulumi.dev.yaml")
PLAN = f"plan-{release_from_config(DEV).plan_id}"


class StandIn:
    """Has a Job with a status, or none, and remembers what it was told."""

    def __init__(self, status: dict[str, Any] | None) -> None:
        self._job = "" if status is None else json.dumps({"status": status})
        self.told: list[tuple[str, ...]] = []

    def kubectl(self, *arguments: str, timeout_s: float = 30) -> str:
        assert timeout_s
        self.told.append(arguments)
        return self._job if arguments[0] == "get" else ""


def removed(status: dict[str, Any] | None, *known: str) -> list[tuple[str, ...]]:
    """Settle with a state that knows these Jobs, and return what was removed."""
    cluster = StandIn(status)
    resources = [{"type": "kubernetes:batch/v1:Job", "id": f"triton-dev/{name}"} for name in known]
    end_unknown_build(DEV, {"deployment": {"resources": resources}}, cluster)  # type: ignore[arg-type]
    return [told for told in cluster.told if told[0] != "get"]


@pytest.mark.parametrize("status", [{}, {"active": 1}, {"failed": 1}])
def test_a_job_that_pulumi_does_not_know_and_that_has_not_succeeded_goes(
    status: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (told,) = removed(status, "plan-of-another")
    assert told[:3] == ("delete", "job", PLAN)
    assert {"--namespace=triton-dev", "--cascade=foreground"} <= set(told)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Job triton-dev/{PLAN} is of a run that was cut off")


@pytest.mark.parametrize(
    ("status", "known"), [(None, ()), ({"succeeded": 1}, ()), ({"active": 1}, (PLAN,)), ({"failed": 1}, (PLAN,))]
)
def test_what_has_succeeded_or_is_pulumis_stays(status: dict[str, Any] | None, known: tuple[str, ...]) -> None:
    assert removed(status, *known) == []


def test_a_stack_without_a_state_has_none() -> None:
    cluster = StandIn({"active": 1})
    end_unknown_build(DEV, {"deployment": {}}, cluster)  # type: ignore[arg-type]
    assert [told[0] for told in cluster.told] == ["get", "delete"]
