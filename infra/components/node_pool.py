"""The nodes that a stack runs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.core import v1 as core

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.config.groups import Toleration


@dataclass(frozen=True, kw_only=True)
class NodePoolArgs:
    """Nodes that exist already.

    Attributes:
        selector: labels that a node must carry.
        tolerations: taints that the stack's pods tolerate.
    """

    selector: Mapping[str, str]
    tolerations: Sequence[Toleration]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a pod may run."""

    node_selector: Mapping[str, str]
    tolerations: Sequence[core.TolerationArgs]


class NodePool(pulumi.ComponentResource):
    """The nodes that the build and Triton land on.

    Attributes:
        placement: what a pod says to land there.
    """

    placement: Placement

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:NodePool", name, None, opts)
        self.placement = Placement(
            node_selector=dict(args.selector),
            tolerations=[core.TolerationArgs(**toleration.model_dump()) for toleration in args.tolerations],
        )
        self.register_outputs({"nodeSelector": self.placement.node_selector})
