"""What every pod says, as plain data, comes out of Pulumi's arguments as it went in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi_kubernetes.core import v1 as core

from infra.components.arguments import snake_cased
from infra.components.security import container_security, pod_security
from infra.config.node_pools import ExistingNodePool, Toleration
from infra.pods import CONTAINER_SECURITY, POD_SECURITY, affinity, tolerations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

POOL = ExistingNodePool(
    kind="existing", gpuProduct="NVIDIA-H800", tolerations=(Toleration(key="dedicated", effect="NoSchedule"),)
)


def test_the_program_declares_what_the_gate_s_job_says(declare: Callable[[Callable[[], Any]], Declared]) -> None:
    on_product = affinity(POOL, has_gpu=True)
    spec = core.PodSpecArgs(
        security_context=pod_security(),
        containers=[core.ContainerArgs(name="triton", security_context=container_security())],
        tolerations=[core.TolerationArgs(**snake_cased(each)) for each in tolerations(POOL, has_gpu=True)],
        affinity=core.AffinityArgs(**snake_cased(on_product)),
    )

    declared = declare(lambda: core.Pod("pod", spec=spec))

    (found,) = (resource.inputs["spec"] for resource in declared.resources if resource.type == "kubernetes:core/v1:Pod")
    assert found["securityContext"] == POD_SECURITY
    assert found["containers"][0]["securityContext"] == CONTAINER_SECURITY
    assert found["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists"},
        {"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"},
    ]
    assert found["affinity"] == on_product


@pytest.mark.parametrize(("product", "has_gpu"), [("NVIDIA-H800", False), (None, True)])
def test_without_a_gpu_or_a_product_any_node_will_do(product: str | None, *, has_gpu: bool) -> None:
    assert affinity(ExistingNodePool(kind="existing", gpuProduct=product), has_gpu=has_gpu) is None
