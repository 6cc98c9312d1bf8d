"""The source model as it came, run by ONNX Runtime: what the adapted one must agree with."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from onnx import ModelProto, TensorProto

from model_build.adapt.interface import Interface, interface_from_model, model_from_bytes
from model_build.contract import IMAGE_SHAPE
from model_build.errors import AdaptError
from model_build.preprocessing import Tensor
from model_build.scoring import Array, LoadedModel, Scores

_LEAST_CLASSES: Final = 2


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
        """Score images, float32 (N,3,224,224), one by one, to float32 (N,classes)."""
        outputs = [_output(self.loaded, self.interface, image) for image in images]
        return np.stack([np.asarray(output, np.float32).reshape(self.classes) for output in outputs])


def original_from_onnx(data: bytes, *, name: str) -> Original:
    """Load a source model and see that it is a classifier.

    Args:
        data: the ONNX file.
        name: what errors call it.

    Raises:
        AdaptError: it is no ONNX, has not one image input and one score output, or does not run.
    """
    model = model_from_bytes(data, name=name)
    interface = interface_from_model(model, name=name)
    loaded = LoadedModel(data, name=name)
    shape = _output(loaded, interface, np.zeros(IMAGE_SHAPE, np.float32)).shape
    classes = shape[1] if shape in {(1, *shape[1:2]), (1, *shape[1:2], 1, 1)} else 0
    if classes < _LEAST_CLASSES:
        raise AdaptError(
            f"{name} is no classifier: for one image its output '{interface.output_name}' is {list(shape)}; "
            "accepted: one score for each class, [1,C] or [1,C,1,1]"
        )
    return Original(model=model, interface=interface, loaded=loaded, classes=classes)


def _output(loaded: LoadedModel, interface: Interface, image: Tensor) -> Array:
    laid_out = image.transpose(1, 2, 0) if interface.channels_last else image
    dtype = np.float16 if interface.input_type == TensorProto.FLOAT16 else np.float32
    return loaded.run(np.ascontiguousarray(laid_out[np.newaxis], dtype))[interface.output_name]
