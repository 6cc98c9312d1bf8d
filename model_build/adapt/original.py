"""The source model as it came, run by ONNX Runtime: what the adapted one must agree with."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from onnx import ModelProto, TensorProto

from model_build.adapt.interface import (
    ImageSize,
    Interface,
    classes_of,
    interface_from_model,
    model_from_bytes,
    no_scores,
)
from model_build.scoring import Array, LoadedModel, Scores, Tensor

_DTYPES: Final[dict[int, Any]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.UINT8: np.uint8,
}


@dataclass(frozen=True, kw_only=True)
class Original:
    """A source model with its own names, types and layout.

    Attributes:
        classes: how many scores it gives for an image.
    """

    model: ModelProto
    interface: Interface
    loaded: LoadedModel
    classes: int

    def scores(self, images: Tensor) -> Scores:
        """Score images, float32 (N,C,H,W), one by one, to float32 (N,classes)."""
        outputs = [_output(self.loaded, self.interface, image) for image in images]
        return np.stack([np.asarray(output, np.float32).reshape(self.classes) for output in outputs])


def original_from_onnx(
    data: bytes, *, name: str, output: str | None = None, image_size: ImageSize | None = None
) -> Original:
    """Load a source model and see that it is a classifier.

    Args:
        data: the ONNX file.
        name: what errors call it.
        output: of several outputs the one that is served.
        image_size: height and width of a model that leaves its own open.

    Raises:
        AdaptError: it is no ONNX, has not one image input and a score output, or does not run.
    """
    model = model_from_bytes(data, name=name)
    interface = interface_from_model(model, name=name, output=output, image_size=image_size)
    loaded = LoadedModel(data, name=name)
    shape = list(_output(loaded, interface, np.zeros(interface.shape, np.float32)).shape)
    classes = classes_of(shape)
    if classes is None:
        raise no_scores(name, interface.output_name, shape)
    return Original(model=model, interface=interface, loaded=loaded, classes=classes)


def _output(loaded: LoadedModel, interface: Interface, image: Tensor) -> Array:
    laid_out = image.transpose(1, 2, 0) if interface.channels_last else image
    dtype = _DTYPES[interface.input_type]
    values = np.rint(laid_out) if dtype is np.uint8 else laid_out
    return loaded.run(np.ascontiguousarray(values[np.newaxis], dtype))[interface.output_name]
