from copy import deepcopy
from typing import Any

import pytest
import yaml

from gate.errors import FailedError, RefusedError
from gate.evidence import Subject
from gate.promotion import Promised, announcement, promised_from_release
from gate.releases import Release
from infra.config import REPOSITORY, config_from_values
from tests.unit.gate.runs import subject

H800: dict[str, Any] = yaml.safe_load((REPOSITORY / "Pulumi.h800.yaml").read_text())["config"]


def promised(**changes: dict[str, Any]) -> Promised:
    """What the promotion of the committed GPU stack to one that differs would be."""
    values = deepcopy(H800)
    for group, keys in changes.items():
        values[f"densenet-triton:{group}"] |= keys
    release = Release(id="20261123T011200Z", subject=subject(), config=deepcopy(H800))
    return promised_from_release(
        release, config_from_values(values, stack="prod"), values, commit=release.subject.commit
    )


def test_a_release_goes_to_the_same_gpu_as_it_is() -> None:
    found = promised(cluster={"namespace": "triton-prod"}, serving={"replicas": 3})

    assert found.pinned
    assert announcement(found, H800).startswith("promoting plan 4962527776e8fcd8 of staging as it is")


def test_another_gpu_forces_a_build_and_says_so() -> None:
    found = promised(nodePool={"gpuProduct": "NVIDIA-L4"})

    assert not found.pinned
    values = {**H800, "densenet-triton:nodePool": {"gpuProduct": "NVIDIA-L4"}}
    assert "a plan for NVIDIA-L4 is built here" in announcement(found, values)


def test_another_model_is_refused() -> None:
    with pytest.raises(RefusedError, match="model differs between staging and prod: maxBatchSize: "):
        promised(model={"maxBatchSize": 8})


def test_another_target_is_refused() -> None:
    values = deepcopy(H800)
    release_config = deepcopy(H800)
    release_config["densenet-triton:model"]["target"] = "onnxruntime"
    release = Release(id="20261123T011200Z", subject=subject(), config=release_config)

    with pytest.raises(RefusedError, match="target: onnxruntime -> tensorrt"):
        promised_from_release(release, config_from_values(values, stack="prod"), values, commit=release.subject.commit)


def test_another_commit_is_refused() -> None:
    release = Release(id="20261123T011200Z", subject=subject(), config=deepcopy(H800))

    with pytest.raises(RefusedError, match=f"git checkout {'c' * 40}"):
        promised_from_release(release, config_from_values(H800, stack="prod"), H800, commit="d" * 40)


@pytest.mark.parametrize(
    ("pinned", "found", "wrong"),
    [
        (True, subject(manifest_sha256="b" * 64), "manifest bbb"),
        (True, subject(plan_id="0" * 16), "plan 000"),
        (False, subject(images={"triton": f"other.example/triton@sha256:{2:064}"}), "container triton"),
    ],
)
def test_what_is_not_what_was_promised_fails(pinned: bool, found: Subject, wrong: str) -> None:  # noqa: FBT001 - a case
    with pytest.raises(FailedError, match=wrong):
        Promised(subject=subject(), pinned=pinned).require(found)


def test_the_same_digest_from_another_registry_is_what_was_promised() -> None:
    found = subject(images={"triton": f"other.example/triton@sha256:{1:064}"}, manifest_sha256="b" * 64)

    Promised(subject=subject(), pinned=False).require(found)
