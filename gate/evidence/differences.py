"""What is another in one release than in the other, key by key."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.config import discreet

_ABSENT = object()
_SHOWN_CHARACTERS = 200


def differences(previous: Mapping[str, Any], candidate: Mapping[str, Any]) -> tuple[str, ...]:
    """Compare two releases.

    Args:
        previous: nested mappings: the configuration, image digests, plan id, whatever makes a release.
        candidate: the same of the other.

    Returns:
        A line for each key that differs, such as ``serving.replicas: 1 -> 2``, sorted by key. Of URLs, what may be
        secret is not shown.
    """
    before, after = dict(_leaves(previous)), dict(_leaves(candidate))
    return tuple(
        f"{key}: {_shown(before.get(key, _ABSENT))} -> {_shown(after.get(key, _ABSENT))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key, _ABSENT) != after.get(key, _ABSENT)
    )


def _leaves(mapping: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that is no mapping itself, by its dotted key; lists are compared whole."""
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _shown(value: object) -> str:
    if value is _ABSENT:
        return "nothing"
    value = discreet(value)
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
