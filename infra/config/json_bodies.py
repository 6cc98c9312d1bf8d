"""Whole requests in JSON: whether a stack routes them, and what must hold between that, its Triton and its gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.config.faults import Fault
from infra.config.gateway_classes import Feature, classes_that_enforce, enforces
from infra.config.triton_releases import SAFE_JSON_RELEASE, parses_safely, release_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.config.endpoints import Endpoint
    from infra.config.faults import StackFile

JSON_BODIES = "densenet-triton/json-bodies"
"""Annotation of an HTTPRoute: whole requests in JSON are routed."""

LENGTH_HEADER = "Inference-Header-Content-Length"
"""Of a request: bytes of JSON before its tensors. Without it the whole body is JSON."""

BOUNDED_LENGTH = "^[0-9]{1,4}$"
UNBOUNDED_LENGTH = "^$|^.*[^0-9].*$|^[0-9]{5,}$"
"""What `BOUNDED_LENGTH` does not match, whether a gateway asks an expression for a part of a value or for the whole.

A header that comes twice matches by any of its values: what this one matches must be refused first.
"""

LARGEST_JSON_BYTES = 8192
"""Of a request wholly in JSON, where the door bounds what Triton parses."""

ACCEPTS_HEADER = "Infer-Accepts"
"""Of an answer: what a request for an inference may be; in every refusal that is about its JSON."""

JSON_LIMIT = "triton-json-limit"
"""Name of the middleware that bounds a body wholly in JSON."""

REFUSAL = "triton-refusal"
"""Name of the middleware that lets nobody through but `NOBODY`."""

NOBODY = "255.255.255.255/32"
"""Where no connection comes from."""

ENCODING_HEADER = "Content-Encoding"
"""Of a request: how Triton is to unpack its body."""

LARGEST_BODY_BYTES = 67_108_864
"""Of a request where the stack sets no limit and its gateway has one: what current releases of Triton take."""

_BOUND = (Feature.HEADER_EXPRESSIONS, Feature.BODY_LIMIT)
"""The length of what Triton parses as JSON stands in a header, or the JSON is the whole body."""

ACCEPTED_WITHOUT_BOUND = (
    f"gateway class {classes_that_enforce(*_BOUND)}; Triton {SAFE_JSON_RELEASE} or newer, which no JSON can end; or "
    "endpoint.jsonBodies: true, for clients that are trusted"
)


def opens_json(json_bodies: bool | None, image: str) -> bool:  # noqa: FBT001 - the key's own value
    """Whether whole requests in JSON are routed: as the key says, else where the image's release parses them safely.

    Args:
        json_bodies: the configuration's ``endpoint.jsonBodies``.
        image: the configuration's ``serving.image``.
    """
    return parses_safely(image) if json_bodies is None else json_bodies


def bounds_json(gateway_class: str | None) -> bool:
    """Whether a gateway class is known to be able to bound the JSON that Triton parses."""
    return all(enforces(gateway_class, feature) for feature in _BOUND)


def largest_body_bytes(endpoint: Endpoint, *, json_bodies: bool) -> int | None:
    """The largest body that is routed; None where the gateway's class may know no limit.

    Args:
        endpoint: the configuration group.
        json_bodies: whether whole requests in JSON are routed. Where they are not, the class is one that has limits.
    """
    limited = not json_bodies or enforces(endpoint.gateway_class, Feature.BODY_LIMIT)
    return endpoint.limits.body_bytes or (LARGEST_BODY_BYTES if limited else None)


def json_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    """Yield a door that is open to a Triton that a request can end, and one that its gateway can't shut.

    Args:
        right: values that are right by themselves, by dotted key; a rule about a missing one is left out.
        file: the stack's file, for the edits that mend.
    """
    keys = ("endpoint.jsonBodies", "endpoint.gatewayClass", "serving.image", "serving.acceptVulnerableRelease")
    if not all(key in right for key in keys):
        return
    json_bodies, gateway_class, image, accepted = (right[key] for key in keys)
    release = release_of(image)
    if json_bodies and release is not None and release < SAFE_JSON_RELEASE and accepted != release:
        yield Fault(
            key="endpoint.jsonBodies",
            found=f"is true, and a request of nested JSON ends Triton {release}, which serving.image is",
            accepted=f"true with Triton {SAFE_JSON_RELEASE} or newer; or, for clients that are trusted, beside"
            f" serving.acceptVulnerableRelease: '{release}'",
            mend=file.removing("endpoint.jsonBodies"),
        )
    if gateway_class is not None and not bounds_json(gateway_class) and not opens_json(json_bodies, image):
        yield Fault(
            key="endpoint.gatewayClass",
            found=f"is {gateway_class}, which is not known to bound the JSON that Triton parses",
            accepted=ACCEPTED_WITHOUT_BOUND,
            mend=file.setting("endpoint.gatewayClass", "traefik"),
        )
