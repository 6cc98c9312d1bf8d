"""Takes typed values out of a JSON object and keeps every fault, so that all are told at once."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_T = TypeVar("_T")


class Fields:
    """One JSON object, read strictly: each value is taken once, and what nobody takes is a fault.

    After a fault the getters return an empty value of the right type, so that reading goes on; the caller
    looks at ``faults`` before it uses anything.
    """

    def __init__(self, values: Mapping[str, Any], *, path: str = "", faults: list[str] | None = None) -> None:
        self._values = dict(values)
        self._path = path
        self.faults: list[str] = [] if faults is None else faults

    def text(self, key: str, *, accepts: Callable[[str], object], accepted: str) -> str:
        """Take a text for which ``accepts`` gives something true."""
        value = self._take(key, str, accepted)
        if value is not None and not accepts(value):
            self.refuse(key, value, accepted)
        return value or ""

    def optional_text(self, key: str) -> str | None:
        """Take a text, or None where the key is absent or null."""
        if self._values.get(key) is None:
            self._values.pop(key, None)
            return None
        return self.text(key, accepts=bool, accepted="a text that is not empty, or null")

    def count(self, key: str) -> int:
        """Take a whole number, 0 or more."""
        accepted = "a whole number, 0 or more"
        value = self._take(key, int, accepted)
        if value is not None and value < 0:
            self.refuse(key, value, accepted)
        return value or 0

    def flag(self, key: str) -> bool:
        """Take true or false."""
        return bool(self._take(key, bool, "true or false"))

    def group(self, key: str) -> "Fields":
        """Take an object, read in its turn; where there is none, its own keys are not missed as well."""
        values = self._take(key, dict, "an object")
        faults = [] if values is None else self.faults
        return Fields(values or {}, path=f"{self._path}{key}.", faults=faults)

    def optional_group(self, key: str) -> "Fields | None":
        """Take an object, or None where it is null; it must be there."""
        if key in self._values and self._values[key] is None:
            del self._values[key]
            return None
        return self.group(key)

    def end(self) -> None:
        """Refuse every key that nobody took."""
        self.faults.extend(f"{self._path}{key} is not a known key" for key in self._values)

    def refuse(self, key: str, value: object, accepted: str) -> None:
        """Note a fault: the full key, the value found, what is accepted."""
        self.faults.append(f"{self._path}{key} is {shown(value)}; accepted: {accepted}")

    def _take(self, key: str, kind: type[_T], accepted: str) -> _T | None:
        if key not in self._values:
            self.faults.append(f"{self._path}{key} is missing; accepted: {accepted}")
            return None
        value = self._values.pop(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.refuse(key, value, accepted)
            return None
        return value


def shown(value: object, *, limit: int = 80) -> str:
    """Return a JSON value as it is shown in an error, cut to a readable length."""
    text = json.dumps(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
