"""Takes typed values out of a JSON object and keeps every fault, so that all are told at once."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")
_LONGEST = 80


class Fields:
    """One JSON object, read strictly: each value is taken once, and what nobody takes is a fault.

    After a fault the getters return an empty value of the right type, so that reading goes on; the caller
    looks at ``faults`` before it uses anything.
    """

    def __init__(self, values: Mapping[str, Any], *, path: str = "", faults: list[str] | None = None) -> None:
        self._values = dict(values)
        self._path = path
        self.faults: list[str] = [] if faults is None else faults

    def text(self, key: str, *, accepts: Callable[[str], object] = bool, accepted: str = "a text") -> str:
        """Take a text for which ``accepts`` gives something true."""
        value = self._take(key, str, accepted)
        if value is not None and not accepts(value):
            self.refuse(key, value, accepted)
        return value or ""

    def optional_text(
        self, key: str, *, accepts: Callable[[str], object] = bool, accepted: str = "a text"
    ) -> str | None:
        """Take a text, or None where the key is absent or null."""
        return None if self.is_null(key) else self.text(key, accepts=accepts, accepted=f"{accepted}, or null")

    def count(self, key: str, *, least: int = 0, most: int | None = None) -> int:
        """Take a whole number, ``least`` or more, and ``most`` or less."""
        accepted = f"a whole number, {least} or more" if most is None else f"a whole number, {least} to {most}"
        value = self._take(key, int, accepted)
        if value is not None and not (least <= value and (most is None or value <= most)):
            self.refuse(key, value, accepted)
        return value or 0

    def number(
        self, key: str, *, accepts: Callable[[float], object] = math.isfinite, accepted: str = "a finite number"
    ) -> float:
        """Take a finite number for which ``accepts`` gives something true; whole ones count."""
        value = self._take(key, (int, float), accepted)
        if value is None:
            return 0.0
        if not (is_finite(value) and accepts(float(value))):
            self.refuse(key, value, accepted)
            return 0.0
        return float(value)

    def counts(self, key: str) -> tuple[int, ...]:
        """Take a list of whole numbers, 0 or more."""
        accepted = "a list of whole numbers, 0 or more"
        values = self._take(key, list, accepted)
        if values is not None and not all(_is(value, int) and value >= 0 for value in values):
            self.refuse(key, values, accepted)
            return ()
        return tuple(values or ())

    def numbers(self, key: str, *, length: int) -> tuple[float, ...]:
        """Take a list of so many finite numbers."""
        accepted = f"a list of {length} finite numbers"
        values = self._take(key, list, accepted)
        numeric = all(_is(value, (int, float)) and is_finite(value) for value in values or [])
        if values is not None and not (len(values) == length and numeric):
            self.refuse(key, values, accepted)
            return ()
        return tuple(float(value) for value in values or ())

    def texts(self, key: str) -> dict[str, str]:
        """Take an object of texts."""
        accepted = "an object of texts"
        values = self._take(key, dict, accepted)
        if values is not None and not all(isinstance(value, str) for value in values.values()):
            self.refuse(key, values, accepted)
            return {}
        return dict(values or {})

    def flag(self, key: str) -> bool:
        """Take true or false."""
        return bool(self._take(key, bool, "true or false"))

    def group(self, key: str) -> Fields:
        """Take an object, read in its turn; where there is none, its own keys are not missed as well."""
        values = self._take(key, dict, "an object")
        faults = [] if values is None else self.faults
        return Fields(values or {}, path=f"{self._path}{key}.", faults=faults)

    def optional_group(self, key: str) -> Fields | None:
        """Take an object, or None where the key is absent or null."""
        return None if self.is_null(key) else self.group(key)

    def groups(self, key: str) -> list[Fields]:
        """Take a list of objects, one or more, each read in its turn."""
        accepted = "a list of one object or more"
        values = self._take(key, list, accepted)
        if values is not None and not (values and all(isinstance(value, dict) for value in values)):
            self.refuse(key, values, accepted)
            return []
        return [
            Fields(value, path=f"{self._path}{key}.{position}.", faults=self.faults)
            for position, value in enumerate(values or [])
        ]

    def optional_object(self, key: str) -> dict[str, Any] | None:
        """Take an object as it is, or None where the key is absent or null."""
        return None if self.is_null(key) else self._take(key, dict, "an object")

    def raw(self, key: str) -> Any:
        """Take whatever stands there, None where the key is absent."""
        return self._values.pop(key, None)

    def is_null(self, key: str) -> bool:
        """Whether a key is absent or null; it is taken then."""
        if self._values.get(key) is not None:
            return False
        self._values.pop(key, None)
        return True

    def end(self) -> None:
        """Refuse every key that nobody took."""
        self.faults.extend(f"{self._path}{key} is not a known key" for key in self._values)

    def refuse(self, key: str, value: object, accepted: str) -> None:
        """Note a fault: the full key, the value found, what is accepted."""
        self.faults.append(f"{self._path}{key} is {shown(value)}; accepted: {accepted}")

    def _take(self, key: str, kind: type[_T] | tuple[type[Any], ...], accepted: str) -> Any:
        if key not in self._values:
            self.faults.append(f"{self._path}{key} is missing; accepted: {accepted}")
            return None
        value = self._values.pop(key)
        if not _is(value, kind):
            self.refuse(key, value, accepted)
            return None
        return value


def shown(value: object, *, longest: int = _LONGEST) -> str:
    """Return a JSON value as it is shown in an error, cut to a readable length."""
    text = json.dumps(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def is_finite(number: float) -> bool:
    """Whether a number is one that a float holds; a whole number of JSON can be too large for that."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _is(value: object, kind: type[Any] | tuple[type[Any], ...]) -> bool:
    """Whether a value is of a kind; a boolean is no number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
