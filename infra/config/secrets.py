"""What of a configuration is secret: which keys may be, and that no message shows their values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from contract.errors import UrlError
from contract.urls import quoted_url, shown_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SOURCE_URL = "model.source.url"
CLIENTS = "endpoint.clients"
PLACES = (SOURCE_URL, CLIENTS)
"""The keys that may be secret, or whose keys may: their values are in no object that everybody can read."""

HIDDEN = "[secret]"
"""What is shown in a secret's place, as Pulumi shows it."""

_SEALED = {"secure"}
_SHORTEST = 8
"""A shorter text hides nothing: half of all words would be gone with it. What must be longer is never shown anyway."""

_texts: set[str] = set()


def parts_of(name: str) -> list[str]:
    """The keys that a dotted key is made of; a client's own has a dot in it where it is its second one."""
    client = name.removeprefix(f"{CLIENTS}.")
    return name.split(".") if client == name else [*CLIENTS.split("."), client]


def is_sealed(value: object) -> bool:
    """Whether a value in a file is an encrypted one, ``{secure: …}``."""
    return isinstance(value, dict) and value.keys() == _SEALED and isinstance(value["secure"], str)


def sealed_paths(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The key paths of the encrypted values in a file."""
    for key, value in _items(values):
        if is_sealed(value):
            yield (*path, key)
        elif isinstance(value, dict | list):
            yield from sealed_paths(value, (*path, key))  # type: ignore[arg-type]


def _items(values: Any) -> Iterator[tuple[str, Any]]:
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    yield from ((str(key), value) for key, value in pairs)


def keep_secret(values: Iterable[object]) -> None:
    """See that `hidden` knows these values, in every form that a message may have them in, until this process ends."""
    for value in values:
        if isinstance(value, str) and len(value.strip()) >= _SHORTEST:
            _texts.update(filter(None, _forms(value)))


def _forms(text: str) -> Iterator[str]:
    """A value as it is, and a URL as it is sent, shown and, of a file, found on the disk."""
    yield text.strip()
    if "://" not in text:
        return
    try:
        quoted = quoted_url(text)
    except UrlError:
        quoted = text
    for url in (text, quoted):
        yield url
        yield shown_url(url).removesuffix("?…")
        yield unquote(url.partition("://")[2]) if url.startswith("file:") else ""


def hidden(text: str) -> str:
    """A text without the values that are secret."""
    for secret in sorted(_texts, key=len, reverse=True):
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
            text = text.replace(form, HIDDEN)
    return text
