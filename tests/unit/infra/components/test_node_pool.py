"""An existing node pool creates nothing; it says where pods may run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.components.node_pool import NodePool, NodePoolArgs
from infra.config.groups import Toleration

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared


def test_existing_pool_is_a_selector_and_tolerations(
    declare: Callable[[Callable[[], Any]], Declared],
) -> None:
    pools: list[NodePool] = []
    taint = Toleration(key="dedicated", operator="Equal", value="triton", effect="NoSchedule")
    args = NodePoolArgs(selector={"pool": "triton"}, tolerations=[taint])
    declared = declare(lambda: pools.append(NodePool("node-pool", args)))
    assert declared.types() == {"densenet:infra:NodePool": 1}
    assert pools[0].placement.node_selector == {"pool": "triton"}
    (toleration,) = pools[0].placement.tolerations
    found = (toleration.key, toleration.operator, toleration.value, toleration.effect)
    assert found == ("dedicated", "Equal", "triton", "NoSchedule")
