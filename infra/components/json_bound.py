"""What bounds the JSON that Triton parses: which requests are let through, which are cut short, and which are refused.

Triton parses by recursion as much of a request as ``Inference-Header-Content-Length`` says, or, without that header,
the whole of it. Older releases end where that is nested deeply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.config.json_bodies import (
    ACCEPTS_HEADER,
    ENCODING_HEADER,
    JSON_LIMIT,
    LARGEST_JSON_BYTES,
    LENGTH_HEADER,
    NOBODY,
    REFUSAL,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.components.middlewares import Middlewares


def without_headers(*names: str) -> Mapping[str, Any]:
    """The filter that takes headers off a request."""
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [*names]}}


AS_IT_IS = without_headers(ENCODING_HEADER)
"""Triton takes a body as it is: what is small and unpacks to gigabytes ends it."""

AS_MATCHED = without_headers(ENCODING_HEADER, "Connection")
"""And as it was matched: a proxy drops what ``Connection`` names, the length of the JSON too."""


@dataclass(frozen=True, kw_only=True)
class JsonBound:
    """Filters of the rules, in the order in which a request passes them.

    Attributes:
        alone: of requests of JSON alone.
        refused: of all whose JSON has no bound; nothing passes them.
    """

    alone: tuple[Mapping[str, Any], ...]
    refused: tuple[Mapping[str, Any], ...]


def json_bound(middlewares: Middlewares, largest_body_bytes: int) -> JsonBound:
    """Declare what bounds the JSON that is sent, and says so.

    Args:
        middlewares: of the door.
        largest_body_bytes: the door's limit of every body.
    """
    largest = min(LARGEST_JSON_BYTES, largest_body_bytes)
    limit = middlewares.filter(JSON_LIMIT, {"buffering": {"maxRequestBodyBytes": largest}})
    # A rule that leads nowhere is answered 500; a list that nobody is on has the status that it is given
    refusal = middlewares.filter(REFUSAL, {"ipAllowList": {"sourceRange": [NOBODY], "rejectStatusCode": 400}})
    reason = _reason(largest)
    return JsonBound(alone=(reason, limit), refused=(reason, refusal))


def _reason(largest: int) -> Mapping[str, Any]:
    """The filter that says in every answer what may be sent; it stands before what refuses."""
    text = (
        f"tensors in binary, the length of the JSON before them in {LENGTH_HEADER}, 1 to 4 digits; or JSON alone, "
        f"without that header, of at most {largest} bytes; each without {ENCODING_HEADER}"
    )
    modifier = {"set": [{"name": ACCEPTS_HEADER, "value": text}]}
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": modifier}
