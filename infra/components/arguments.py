"""Kubernetes' plain data as Pulumi's arguments want it."""

from __future__ import annotations

import re
from typing import Any

_CAPITAL = re.compile(r"[A-Z]")


def snake_cased(plain: Any) -> Any:
    """Return the same data with the keys that Pulumi's argument classes have, in all its depth."""
    if isinstance(plain, dict):
        return {_CAPITAL.sub(lambda found: f"_{found[0].lower()}", key): snake_cased(plain[key]) for key in plain}
    return [snake_cased(item) for item in plain] if isinstance(plain, list) else plain
