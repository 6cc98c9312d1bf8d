"""A server can't write what it serves."""

from __future__ import annotations

from policy.mounts import mount_violations
from tests.unit.policy.objects import deployment, job, workload

WRITABLE = [{"name": "storage", "mountPath": "/mnt/model"}]


def test_a_read_only_repository_and_scratch_space_pass() -> None:
    assert list(mount_violations(deployment())) == []


def test_a_writable_mount_is_refused() -> None:
    (violation,) = mount_violations(deployment(volumeMounts=WRITABLE))
    assert violation.line.startswith(
        "Deployment triton-x/triton, container triton: /mnt/model is writable for a server;"
    )


def test_a_writable_claim_is_refused() -> None:
    def writable(spec: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        spec["volumes"][0]["persistentVolumeClaim"] = {"claimName": "models"}

    (violation,) = mount_violations(workload(writable))
    assert violation.part == "volume storage"


def test_the_build_writes_the_storage() -> None:
    assert list(mount_violations(job(volumeMounts=WRITABLE))) == []
