"""NetworkPolicies: who may enter the stack's pods, and where these may go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from infra.config.peers import INTERNAL
from infra.pods import DEFAULT_DENY, ENFORCEMENT_TRIAL, PLAN_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.config.peers import Admitted, Destination

_NAME = "app.kubernetes.io/name"
_OF_THE_WAY_IN = ("gateway.networking.k8s.io/gateway-name", "acme.cert-manager.io/http01-solver")
_BOTH = ("Ingress", "Egress")
_DNS_PORT = 53
_API_SERVER_PORTS = (443, 6443)


@dataclass(frozen=True, kw_only=True)
class NetworkPoliciesArgs:
    """Who talks to whom.

    Attributes:
        namespace: of everything here.
        owns_namespace: whether all pods in it are the stack's, or its gateway's.
        http_port: Triton's, in its pods.
        admitted: who may enter it.
        api_server: where the build finds it; nothing where that is not said.
        fetch_ports: of the URLs that the build fetches.
        build_egress: where the build may go beside.
    """

    namespace: pulumi.Input[str]
    owns_namespace: bool
    http_port: int
    admitted: Sequence[Admitted]
    api_server: Sequence[Destination]
    fetch_ports: Sequence[int]
    build_egress: Sequence[Destination]


class NetworkPolicies(pulumi.ComponentResource):
    """Into Triton come those alone whom the configuration names; out of it goes nothing, out of the build little.

    Kubelet's probes and port-forwards come from a pod's own node, which no NetworkPolicy keeps out. What is allowed is
    there before the rest is forbidden, so that what serves meanwhile goes on. In a namespace that others made, their
    pods are left alone; in the stack's own, those that controllers put there to make the way in.
    """

    def __init__(self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:NetworkPolicies", name, None, opts)
        allowed = [
            networking.NetworkPolicy(
                f"{name}-{part}",
                metadata=meta.ObjectMetaArgs(name=object_name, namespace=args.namespace),
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for part, object_name, spec in (
                ("triton", "triton-admitted", _triton_spec(args)),
                ("build", "triton-build", _build_spec(args)),
                ("trial", "triton-trial", _trial_spec(args)),
            )
        ]
        networking.NetworkPolicy(
            f"{name}-default-deny",
            metadata=meta.ObjectMetaArgs(name=DEFAULT_DENY, namespace=args.namespace),
            spec=networking.NetworkPolicySpecArgs(
                pod_selector=_all_pods_of_the_namespace() if args.owns_namespace else _own_pods(), policy_types=_BOTH
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=allowed),
        )
        self.register_outputs({})


def _all_pods_of_the_namespace() -> meta.LabelSelectorArgs:
    """All but what others run there to make the way in: a Gateway's proxies, and cert-manager's solvers."""
    return meta.LabelSelectorArgs(
        match_expressions=[
            meta.LabelSelectorRequirementArgs(key=key, operator="DoesNotExist") for key in _OF_THE_WAY_IN
        ]
    )


def _own_pods(app: str | None = None) -> meta.LabelSelectorArgs:
    """The stack's own pods, or those of one name; a plan's label is on all of them, and on nobody else's."""
    return meta.LabelSelectorArgs(
        match_labels={_NAME: app} if app else None,
        match_expressions=[meta.LabelSelectorRequirementArgs(key=PLAN_LABEL, operator="Exists")],
    )


def _triton_spec(args: NetworkPoliciesArgs) -> networking.NetworkPolicySpecArgs:
    return networking.NetworkPolicySpecArgs(
        pod_selector=_own_pods("triton"),
        policy_types=_BOTH,
        ingress=[
            networking.NetworkPolicyIngressRuleArgs(
                from_=[_peer(each) for each in args.admitted], ports=_ports(args.http_port)
            )
        ],
    )


def _build_spec(args: NetworkPoliciesArgs) -> networking.NetworkPolicySpecArgs:
    """DNS, the API server, and what is fetched.

    DNS and an API server of unknown address may be anywhere, a node's own address included, which some enforcers match
    by no range: those rules name none.
    """
    api_server = [_way(each) for each in args.api_server]
    fetched = [networking.NetworkPolicyEgressRuleArgs(to=_internet(), ports=_ports(*args.fetch_ports))]
    return networking.NetworkPolicySpecArgs(
        pod_selector=_own_pods("plan-build"),
        policy_types=_BOTH,
        egress=[
            networking.NetworkPolicyEgressRuleArgs(ports=[*_ports(_DNS_PORT, protocol="UDP"), *_ports(_DNS_PORT)]),
            *(api_server or [networking.NetworkPolicyEgressRuleArgs(ports=_ports(*_API_SERVER_PORTS))]),
            *(fetched if args.fetch_ports else []),
            *(_way(each) for each in args.build_egress),
        ],
    )


def _trial_spec(args: NetworkPoliciesArgs) -> networking.NetworkPolicySpecArgs:
    """To Triton's port alone, where nobody lets it in: what keeps a trial out is Triton's own fence."""
    triton = networking.NetworkPolicyPeerArgs(pod_selector=_own_pods("triton"))
    return networking.NetworkPolicySpecArgs(
        pod_selector=_own_pods(ENFORCEMENT_TRIAL),
        policy_types=_BOTH,
        egress=[networking.NetworkPolicyEgressRuleArgs(to=[triton], ports=_ports(args.http_port))],
    )


def _peer(admitted: Admitted) -> networking.NetworkPolicyPeerArgs:
    """Whom an item of the configuration means; pods without a namespace are those of the stack's own."""
    if admitted.cidr is not None:
        return networking.NetworkPolicyPeerArgs(ip_block=networking.IPBlockArgs(cidr=admitted.cidr))
    namespaces, pods = (
        meta.LabelSelectorArgs(match_labels=labels) if labels else None
        for labels in (admitted.namespace_labels, admitted.pod_labels)
    )
    return networking.NetworkPolicyPeerArgs(namespace_selector=namespaces, pod_selector=pods)


def _way(destination: Destination) -> networking.NetworkPolicyEgressRuleArgs:
    block = networking.IPBlockArgs(cidr=destination.cidr)
    return networking.NetworkPolicyEgressRuleArgs(
        to=[networking.NetworkPolicyPeerArgs(ip_block=block)], ports=_ports(destination.port)
    )


def _internet() -> list[networking.NetworkPolicyPeerArgs]:
    """All addresses but internal ones: those of the cluster and of a cloud's metadata are among these.

    The internet's of IPv6 are one range. `::/0` with exceptions would be others in kube-router, which has it in halves.
    """
    blocks = [
        networking.IPBlockArgs(cidr="0.0.0.0/0", except_=[each for each in INTERNAL if ":" not in each]),
        networking.IPBlockArgs(cidr="2000::/3"),
    ]
    return [networking.NetworkPolicyPeerArgs(ip_block=block) for block in blocks]


def _ports(*ports: int, protocol: str = "TCP") -> list[networking.NetworkPolicyPortArgs]:
    return [networking.NetworkPolicyPortArgs(port=port, protocol=protocol) for port in ports]
