"""What must hold between what a container asks for and what it is held to."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from infra.config.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.config.faults import StackFile

_UNITS = {
    "": Fraction(1),
    "m": Fraction(1, 1000),
    **{unit: Fraction(1000) ** power for power, unit in enumerate("kMGT", 1)},
    **{f"{unit}i": Fraction(1024) ** power for power, unit in enumerate("KMGT", 1)},
}


def resource_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    """Yield each limit below what is reserved, which Kubernetes would refuse.

    Args:
        right: values that are right by themselves, by dotted key; a rule about a missing one is left out.
        file: the stack's file, for the edits that mend.
    """
    for group in ("serving.resources", "model.buildResources"):
        resources = right.get(group)
        if resources is None:
            continue
        for key, limit, reserved_key, reserved in (
            ("cpuLimit", resources.cpu_limit, "cpu", resources.cpu),
            ("memoryLimit", resources.memory_limit, "memory", resources.memory),
        ):
            if limit is not None and _amount(limit) < _amount(reserved):
                yield Fault(
                    key=f"{group}.{key}",
                    found=f"is {limit}, and {group}.{reserved_key} reserves {reserved}",
                    accepted=f"at least {reserved}",
                    mend=file.setting(f"{group}.{key}", reserved),
                )


def _amount(quantity: str) -> Fraction:
    """A Kubernetes quantity as a number."""
    number = quantity.rstrip("mkMGTKi")
    return Fraction(number) * _UNITS[quantity.removeprefix(number)]
