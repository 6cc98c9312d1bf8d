from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from deploy.errors import StepFailedError
from gate.before import candidate as module
from gate.before.candidate import Candidate, input_files, refusals
from gate.before.forecast import Forecast
from gate.before.preview import PolicyResult, Preview
from gate.cluster.storage import Inventory
from gate.errors import RefusedError
from gate.evidence.record import Record
from infra.config import REPOSITORY, StackConfig, config_from_values
from tests.unit.gate.runs import subject

GIB = 1 << 30


@pytest.fixture
def candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Candidate]:
    def made(
        *, inventory: Inventory | None = None, plan: str | None = None, promoted_from: str | None = None
    ) -> Candidate:
        values = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
        values["densenet-triton:model"] |= {"plan": plan} if plan else {}
        config: StackConfig = config_from_values(values, stack="dev")
        jobs = type("Jobs", (), {"exists": lambda _: inventory is not None, "inventory": lambda _: inventory})
        monkeypatch.setattr(module, "StorageJobs", lambda _config, _cluster: jobs())
        deployment = type("Stack", (), {"config": config, "cluster": None, "environment": {}})()
        file = tmp_path / "Pulumi.dev.yaml"
        return Candidate(
            deployment=cast("Any", deployment),
            commit="c" * 40,
            file=file,
            folder=tmp_path,
            promoted_from=promoted_from,
        )

    return made


def require_storage(candidate: Candidate) -> None:
    candidate._require_storage()  # noqa: SLF001 - one of `prepare`'s checks by itself


def test_the_first_deployment_has_no_storage_to_look_at(candidate: Callable[..., Candidate]) -> None:
    require_storage(candidate())


def test_a_pinned_plan_must_be_there(candidate: Callable[..., Candidate]) -> None:
    inventory = Inventory(plans=("fedcba9876543210",), free_bytes=GIB, total_bytes=GIB)

    with pytest.raises(RefusedError, match=r"'0123456789abcdef' is pinned and not published .* fedcba9876543210"):
        require_storage(candidate(inventory=inventory, plan="0123456789abcdef"))


def test_a_promoted_plan_must_be_there_and_nobody_has_pinned_it(candidate: Callable[..., Candidate]) -> None:
    inventory = Inventory(plans=(), free_bytes=GIB, total_bytes=GIB)
    plan = "0123456789abcdef"

    with pytest.raises(RefusedError, match=rf"plan {plan}, which staging has proven, .* folder repositories/{plan}; "):
        require_storage(candidate(inventory=inventory, plan=plan, promoted_from="staging"))


def test_a_plan_that_is_still_to_be_built_needs_space(candidate: Callable[..., Candidate]) -> None:
    little = Inventory(plans=(), free_bytes=1 << 20, total_bytes=GIB)

    with pytest.raises(RefusedError, match=r"storage: 1 MiB are free .*; accepted: at least 128 MiB"):
        require_storage(candidate(inventory=little))
    built = candidate(inventory=little).subject.plan_id
    require_storage(candidate(inventory=Inventory(plans=(built,), free_bytes=0, total_bytes=GIB)))


def test_a_preview_that_no_policy_has_judged_is_refused(
    candidate: Callable[..., Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    preview_says(monkeypatch, rules=())

    with pytest.raises(RefusedError, match="the policy pack was not run"):
        candidate()._preview(Record(stack="dev", action="deploy", candidate=subject()))  # noqa: SLF001 - as above


def test_every_violation_is_named(candidate: Callable[..., Candidate], monkeypatch: pytest.MonkeyPatch) -> None:
    found = tuple(
        PolicyResult(name=name, level="mandatory", resource="u", message=f"{name} is wrong")
        for name in ("limits", "mounts")
    )
    failed = StepFailedError("pulumi failed")
    preview_says(monkeypatch, rules=("limits", "mounts"), policies=found, errors=("preview failed",), failed=failed)
    record = Record(stack="dev", action="deploy", candidate=subject())

    with pytest.raises(RefusedError, match=r"^policy limits: limits is wrong\npolicy mounts: mounts is wrong$"):
        candidate()._preview(record)  # noqa: SLF001 - as above
    assert [each.policy for each in record.policies] == ["limits", "mounts"]


def test_an_update_that_would_delete_what_it_makes_is_refused(
    candidate: Callable[..., Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    preview_says(monkeypatch, rules=("limits",), deleted_again=(("urn", "triton-dev/plan-1"),))

    with pytest.raises(RefusedError, match=r"would delete again what it makes: triton-dev/plan-1; .*pulumi refresh"):
        candidate()._preview(Record(stack="dev", action="deploy", candidate=subject()))  # noqa: SLF001 - as above


def test_a_failed_preview_is_refused_with_its_errors_and_a_good_one_is_not() -> None:
    failed = StepFailedError("pulumi failed")

    assert refusals(Preview(steps=(), rules=("limits",)), None, "dev") == []
    assert refusals(Preview(steps=(), errors=("no labels", "no picture")), failed, "dev") == ["no labels", "no picture"]
    assert refusals(Preview(steps=()), failed, "dev") == ["pulumi failed"]


def preview_says(monkeypatch: pytest.MonkeyPatch, *, failed: StepFailedError | None = None, **parts: Any) -> None:
    preview = Preview(steps=(), **parts)
    forecast = Forecast(lines=(), downtime_s=0)
    monkeypatch.setattr(module, "previewed", lambda *_: (preview, forecast, failed))


def test_the_files_of_a_model_are_its_labels_and_the_pictures_that_are_no_urls() -> None:
    fetched = SimpleNamespace(url="https://example.org/pot.jpg", sha256="a" * 64)
    also = [SimpleNamespace(image=fetched), SimpleNamespace(image=Path("cup.png"))]
    for other, found in ((None, []), (fetched, []), (Path("ball.png"), [Path("ball.png")])):
        expect = SimpleNamespace(image=Path("mug.png"), other_image=other, also=also)
        config = SimpleNamespace(model=SimpleNamespace(labels=Path("labels.txt"), expect=expect))
        files = input_files(cast("Any", config))
        assert files == [Path("labels.txt"), Path("mug.png"), *found, Path("cup.png")]
