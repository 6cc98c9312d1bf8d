"""What NetworkPolicies must be told: who may enter Triton, and where the build has to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infra.config.faults import Fault, shown
from infra.config.groups import LOCAL_CLUSTER
from infra.config.peers import TRAEFIK_PODS, Destination, destination_from_url, is_internal
from infra.config.pictures import answers_from_expect
from infra.config.sources import OnnxSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.config.faults import StackFile
    from infra.config.peers import Admitted

EMBEDDED_GATEWAY = "10.210.0.254/32"
"""Where the gateway of the local cluster of the default name asks from: it is a process of the host, and no pod."""

_A_RANGE = "10.0.0.0/8"
"""Where a name may lead, as an example."""


def peer_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    """Yield what is missing or contradicts itself, where NetworkPolicies are wanted.

    Args:
        right: values that are right by themselves, by dotted key; a rule about a missing one is left out.
        file: the stack's file, for the edits that mend.
    """
    if not right.get("cluster.networkPolicies"):
        return
    if (admitted := right.get("endpoint.admit")) is not None:
        gateway: object = {"cidr": EMBEDDED_GATEWAY} if right.get("cluster.context") == LOCAL_CLUSTER else TRAEFIK_PODS
        yield from _admission_faults(admitted, gateway, file)
    yield from _way_faults(right, file)


def _admission_faults(admitted: Sequence[Admitted], gateway: object, file: StackFile) -> Iterator[Fault]:
    key = "endpoint.admit"
    if not admitted:
        yield Fault(
            key=key,
            found="is missing, and into Triton come those alone whom it names",
            accepted="the gateway's pods, by namespaceLabels and podLabels, or the addresses that it asks from, by"
            " cidr; or cluster.networkPolicies: false",
            mend=file.setting(key, [gateway]),
        )
    for position, each in enumerate(admitted):
        written = each.model_dump(by_alias=True, exclude_none=True)
        if not written:
            yield Fault(
                key=f"{key}.{position}",
                found="names nobody",
                accepted="namespaceLabels, podLabels or both; or cidr",
                mend=file.setting(f"{key}.{position}", gateway),
            )
        elif "cidr" in written and len(written) > 1:
            yield Fault(
                key=f"{key}.{position}.cidr",
                found=f"is {each.cidr} beside labels",
                accepted="labels, or cidr; both as two items of the list",
                mend=file.removing(f"{key}.{position}.cidr"),
            )


def _way_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    """What the build could not reach: it gets to no internal address, and to no proxy's, that is not named."""
    ways: Sequence[Destination] | None = right.get("cluster.buildEgress")
    if ways is None or "cluster.buildProxy" not in right:
        return
    if proxy := right["cluster.buildProxy"]:
        port = urlsplit(proxy).port or 0
        if destination_from_url(proxy) is None and not any(way.port == port for way in ways):
            way = Destination(cidr=_A_RANGE, port=port)
            yield _unnamed("cluster.buildProxy", proxy, "a proxy's address", [*ways, way], file)
        return
    for key, url in _fetched(right):
        leads = destination_from_url(url)
        if leads and is_internal(leads) and not any(way.leads_to(leads) for way in ways):
            yield _unnamed(key, url, "a host on the internet", [*ways, leads], file)


def _unnamed(key: str, url: str, accepted: str, ways: Sequence[Destination], file: StackFile) -> Fault:
    return Fault(
        key=key,
        found=f"is {shown(url)}, and a NetworkPolicy lets the build go there only by an address that is named",
        accepted=f"{accepted}; or its range of addresses and its port in cluster.buildEgress",
        mend=file.setting("cluster.buildEgress", [way.model_dump(by_alias=True) for way in ways]),
    )


def _fetched(right: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The URLs that the build fetches, by key."""
    source, expect = right.get("model.source"), right.get("model.expect")
    if isinstance(source, OnnxSource) and source.local_path is None:
        yield "model.source.url", source.url
    for key, answer in answers_from_expect(expect) if expect else ():
        if url := getattr(answer.image, "url", None):
            yield f"{key}.image.url", url
