"""Serves model.onnx with ONNX Runtime: Triton's Python backend loads this file as model.py."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it is read by the next import
import onnxruntime

CGROUP = Path("/sys/fs/cgroup")
SPIN_US = "20"
"""How long a thread waits awake for its next piece of work. DenseNet-121 on two CPUs takes 30 ms an image on an
idle machine, as with the default, but 75 instead of 150 ms where other work takes its turn."""

Array = NDArray[np.float32]


class TritonPythonModel:
    """One image classifier: ``input`` float32 [C,H,W] to ``output`` float32 [classes].

    Where the configuration's ``max_batch_size`` is above 0, both have a batch dimension in front, and the
    requests that Triton hands over together run as one batch.
    """

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model that lies beside this file.

        Args:
            args: Triton's own: ``model_config`` (JSON), ``model_repository`` and ``model_version``.
        """
        config = json.loads(args["model_config"])
        self._batched = config["max_batch_size"] > 0
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = configured_threads(config) or available_cpus()
        options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_US)
        model = Path(args["model_repository"], args["model_version"], "model.onnx")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer each request, with its scores or with the reason why there are none."""
        if self._batched:
            return self._responses(requests)
        return [response for request in requests for response in self._responses([request])]

    def _responses(self, requests: list[Any]) -> list[Any]:
        """Answer requests that run together, and that fail together."""
        try:
            images = [pb_utils.get_input_tensor_by_name(request, "input").as_numpy() for request in requests]
            outputs = self._outputs(images)
        except Exception as error:  # noqa: BLE001  whatever happens, Triton must get an answer to each request
            failure = pb_utils.TritonError(f"inference failed: {error}")
            return [pb_utils.InferenceResponse(error=failure) for _ in requests]
        return [pb_utils.InferenceResponse([pb_utils.Tensor("output", output)]) for output in outputs]

    def _outputs(self, images: list[Array]) -> list[Array]:
        """Run the requests' images, without copying where there is only one request."""
        if not self._batched:
            return [self._run(image[np.newaxis])[0] for image in images]
        if len(images) == 1:
            return [self._run(images[0])]
        starts = np.cumsum([len(image) for image in images[:-1]])
        return np.split(self._run(np.concatenate(images)), starts)

    def _run(self, batch: Array) -> Array:
        scores: Array = self._session.run(["output"], {"input": batch})[0]
        return scores


def configured_threads(config: dict[str, Any]) -> int:
    """Return the parameter ``intra_op_threads`` of the model's configuration, 0 where it is not set."""
    return int(config.get("parameters", {}).get("intra_op_threads", {}).get("string_value", 0))


def available_cpus() -> int:
    """Return how many CPUs this container may use at once: its affinity, or fewer by its cgroup's quota."""
    cpus = len(os.sched_getaffinity(0))
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # cgroup version 2, or 1
        try:
            quota, period = " ".join((CGROUP / file).read_text() for file in files).split()
        except OSError:
            continue
        if quota not in {"max", "-1"}:
            cpus = min(cpus, int(quota) // int(period))
    return max(1, cpus)
