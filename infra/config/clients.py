"""The clients of a stack: their names and keys, the configuration's ``endpoint.clients``."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr

from infra.config.secrets import is_sealed
from infra.config.text import refusal

KEY_CHARACTERS = 32
"""The fewest that a key has."""

ACCEPTED_KEY = f"{KEY_CHARACTERS} to 256 characters of ASCII, without blanks and ':'"
ACCEPTED_NAME = "a DNS label: a-z, 0-9 and '-', at most 63, no '-' at its ends; or one with .next"

_SECOND = ".next"
_RENAMED = "in {file} rename it, or remove it"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KEY = re.compile(rf"[!-9;-~]{{{KEY_CHARACTERS},256}}")


def _names_with_keys(value: Any) -> Any:
    """What is no text is refused as a whole, and not shown. No mend leaves the door without keys."""
    if not isinstance(value, dict):
        made = "remove endpoint.clients from {file}, then make client ADD=name STACK={stack}"
        raise refusal("names with keys", found="is no group of names with keys", mend=made)
    for name, key in value.items():
        made = f"make client ADD={client_of(name)} STACK={{stack}}" if is_client_name(name) else _RENAMED
        if is_sealed(key):
            raise refusal("keys that Pulumi decrypts", found=f"has the key of {name} still encrypted", mend=made)
        if not isinstance(key, str):
            raise refusal("names with keys", found=f"has something else than a key for {name}", mend=made)
    return value


ClientKeys = Annotated[dict[str, SecretStr], BeforeValidator(_names_with_keys)]


def is_client_name(name: str) -> bool:
    """Whether a client may be called so, or have its second key by this name."""
    return _NAME.fullmatch(name.removesuffix(_SECOND)) is not None


def is_client_key(key: str) -> bool:
    """Whether a text can be a client's key: HTTP Basic splits at colons, and shells and clients at blanks."""
    return _KEY.fullmatch(key) is not None


def client_of(name: str) -> str:
    """Whose key a name has."""
    return name.removesuffix(_SECOND)


def names_of(client: str) -> tuple[str, str]:
    """The names of a client's two keys."""
    return client, f"{client}{_SECOND}"
