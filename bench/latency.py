"""What a request costs: through the URL, to the pod, and as a bare call of ONNX Runtime, in turn and in one run."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.http.auth import BasicAuth

from contract.served import DATATYPE, INPUT_NAME, OUTPUT_NAME

_WARM_UP = 5
_ROUNDS = 60

Tensor = npt.NDArray[np.float32]


def medians_s(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Time calls in turn, A B C A B C …, so that all meet the same noise.

    Returns:
        The median of each, in seconds.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(_WARM_UP + _ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if number >= _WARM_UP:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who asks at a door with HTTPS and keys.

    Attributes:
        authority: PEM file of the authority that has signed the door's certificate.
        client: the client's name.
        key: the client's.
    """

    authority: Path
    client: str
    key: str = field(repr=False)


def triton_call(url: str, model: str, tensor: Tensor, visitor: Visitor | None = None) -> Callable[[], object]:
    """Return a call that posts one picture's float32 tensor in binary to a Triton, over a connection that stays.

    Args:
        url: of the Triton, or of the door before it.
        model: its name.
        tensor: (channels, height, width).
        visitor: who asks, where that is asked for.
    """
    scheme, _, place = url.partition("://")
    tls = {"ssl_options": {"ca_certs": str(visitor.authority)}} if visitor else {}
    client = InferenceServerClient(place, network_timeout=60, ssl=scheme == "https", **tls)
    if visitor is not None:
        client.register_plugin(BasicAuth(visitor.client, visitor.key))

    def call() -> object:
        infer_input = InferInput(INPUT_NAME, list(tensor.shape), DATATYPE)
        infer_input.set_data_from_numpy(tensor)
        return client.infer(model, [infer_input]).as_numpy(OUTPUT_NAME)

    return call


def runtime_call(onnx: Path, tensor: Tensor) -> Callable[[], object]:
    """Return a call that runs the served ONNX in this process, with as many threads as there are processors.

    Its threads stop spinning as soon as the served model's do: between calls they would take the processors from the
    server that is timed in turn.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count() or 1
    options.add_session_config_entry("session.intra_op.spin_duration_us", "20")
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    batch = tensor[np.newaxis]
    return lambda: session.run(None, {INPUT_NAME: batch})
