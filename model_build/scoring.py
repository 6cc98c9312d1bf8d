"""Models run by ONNX Runtime, the reference that every plan is measured against."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model_build.errors import AdaptError

Tensor = NDArray[np.float32]
"""Images as the served contract has them: (C,H,W), or (N,C,H,W)."""
Scores = NDArray[np.float32]
"""One for each class: (classes,), or (N,classes)."""
Array = NDArray[np.generic]

_FATAL: Final = 4
"""ONNX Runtime's severity below which it is silent: its failures reach the user as our one line."""

_SPIN_US: Final = "20"
"""How long a thread waits awake for its next piece of work: a build shares its CPUs, and by default it would
burn more time on waiting than on work."""


class LoadedModel:
    """A model that ONNX Runtime has loaded for this machine's CPUs.

    Attributes:
        name: what errors call it.
        inputs: each input's shape, by its name; a dynamic dimension is a text or None.
        outputs: the outputs' names.
    """

    def __init__(self, data: bytes, *, name: str) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _FATAL
        options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN_US)
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no root of their own
            raise AdaptError(f"{name}: ONNX Runtime refuses it: {first_line(error)}") from error
        self.name = name
        self.inputs = {value.name: list(value.shape) for value in self._session.get_inputs()}
        self.outputs = [value.name for value in self._session.get_outputs()]

    def run(self, tensor: Array) -> Mapping[str, Array]:
        """Run the model's one input through to its outputs.

        Raises:
            AdaptError: the run failed; the message is ONNX Runtime's reason.
        """
        (image,) = self.inputs
        try:
            values = self._session.run(self.outputs, {image: tensor})
        except Exception as error:  # its exceptions have no root of their own
            shape = list(tensor.shape)
            raise AdaptError(f"{self.name}: ONNX Runtime fails on {shape}: {first_line(error)}") from error
        return {name: np.asarray(value) for name, value in zip(self.outputs, values, strict=True)}


def first_line(error: Exception) -> str:
    """Return an exception's first line: the libraries below append their own call stacks."""
    return str(error).strip().split("\n", maxsplit=1)[0]
