"""A compiled plan against its original, in every batch that it takes: what decides whether it is published."""

from collections.abc import Iterator, Sequence
from typing import Final

from contract.comparison import Tolerance
from contract.manifest import Reference
from model_build.reference import Run, Yardstick, reference_from_scores
from model_build.tensorrt.device import BatchProfile, Device

_EACH_UP_TO: Final = 64
"""Up to here every batch is run; beyond, those around the powers of two, where kernels change."""


def compared_plan(
    plan: bytes, device: Device, yardstick: Yardstick, *, profile: BatchProfile, tolerance: Tolerance
) -> Reference:
    """Run a plan in batches of every size, and compare each row with what its original answers.

    Args:
        plan: for the device.
        device: that the plan was compiled on.
        yardstick: what it must answer.
        profile: the plan's batches.
        tolerance: how far it may be from that.

    Raises:
        AnswerError: a score is NaN or too far off, or a row is another image's.
        PlanError: the plan cannot be run.
    """
    return reference_from_scores(_runs(plan, device, yardstick, profile), yardstick, tolerance, who="the plan")


def compared_batches(profile: BatchProfile) -> Sequence[int]:
    """Return the sizes of the batches that a plan is compared in, ascending."""
    powers = (1 << bit for bit in range(profile.largest.bit_length()))
    sizes = {size for power in powers for size in (power - 1, power, power + 1)}
    sizes |= {1, profile.typical, profile.largest, *range(1, _EACH_UP_TO + 1)}
    return sorted(size for size in sizes if 1 <= size <= profile.largest)


def _runs(plan: bytes, device: Device, yardstick: Yardstick, profile: BatchProfile) -> Iterator[Run]:
    """Ask about every image in batches of each size; to fill the last one the images come round again.

    Each round begins one image later: neighbours are unlike each other, and so are rows that are a round apart.
    """
    count = len(yardstick.images)
    for size in compared_batches(profile):
        for start in range(0, count, size):
            places = [(row + row // count) % count for row in range(start, start + size)]
            yield places, device.scores(plan, yardstick.images[places])
