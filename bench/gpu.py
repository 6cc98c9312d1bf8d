"""`python -m bench.gpu`: a plan on this machine's GPU, beside ONNX Runtime and under Triton, all in one run."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bench.densenet import densenet_onnx
from bench.latency import Tensor, medians_s, triton_call
from bench.triton import TritonStartError, missing_triton, running_triton
from contract.comparison import LOGITS
from contract.served import DEFAULT_SIDE, INPUT_NAME, OUTPUT_NAME, ImageShape
from model_build.adapt import Classifier, classifier_from_original, original_from_onnx
from model_build.errors import DeviceError
from model_build.repository import ServedModel
from model_build.repository.tensorrt_target import write_tensorrt_model
from model_build.tensorrt.device import BatchProfile, Compiled
from model_build.tensorrt.local import LocalDevice, local_device, profile_of_engine
from model_build.tensorrt.precision import onnx_in_precision
from model_build.tensorrt.settings import STRONGLY_TYPED_SINCE, build_settings

_BATCHES = (1, 8, 64)
_SHAPE: ImageShape = (3, DEFAULT_SIDE, DEFAULT_SIDE)
_WORKSPACE_MIB = 4096
_NO_GPU = 69  # sysexits.h: a service is not available

H200 = "NVIDIA-H200"
LIMITS = {"fp16 arithmetic": 172_000, "fp16 memory": 100_000}
"""Images a second of DenseNet-121 (2.87 GMACs) on an H200 in half precision, by what it computes and what it moves."""


def main() -> int:
    """Measure and print; where there is no GPU, say so and exit 69."""
    try:
        device = local_device()
    except DeviceError as error:
        sys.stderr.write(f"no GPU to measure on: {error}\n")
        return _NO_GPU
    try:
        _measure(device)
    except TritonStartError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _measure(device: LocalDevice) -> None:
    machine = device.describe()
    precision = "fp16" if machine.version >= STRONGLY_TYPED_SINCE else "fp32"
    gpu = machine.gpu
    _say(f"DenseNet-121, {precision}, TensorRT {machine.version_text}, {gpu.product}, driver {gpu.driver}")
    original = original_from_onnx(densenet_onnx(), name="DenseNet-121")
    classifier = classifier_from_original(original, _images(2), scale=LOGITS, max_batch_size=max(_BATCHES))
    cold, cached = _compilations(device, onnx_in_precision(classifier, precision), precision)
    _say(f"\nbuild: {cold.build_seconds} s cold, {cached.build_seconds} s cached (cache hit: {cached.cache_hit})\n")
    with _plan_calls(device, cold.plan) as calls:
        _say(table(medians_s(calls | _cuda_provider_calls(classifier)), product=gpu.product))
        if missing := missing_triton():
            _say(f"\nTriton: not measured, {missing}")
        else:
            _say(_under_triton(cold.plan, classifier.classes, calls["plan, 1"]))


def table(medians: Mapping[str, float], *, product: str) -> str:
    """Return medians, in seconds by "what, batch", as a Markdown table; limits where they are known for the GPU."""
    limits = LIMITS if product == H200 else {}
    heads = ["what, batch", "ms", "images/s", *(f"of the {name} limit" for name in limits)]
    rows = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for what, median_s in medians.items():
        images_per_s = int(what.rpartition(", ")[2]) / median_s
        fractions = [f"{images_per_s / limit:.1%}" for limit in limits.values()]
        rows.append(f"| {' | '.join([what, f'{median_s * 1000:.3f}', f'{images_per_s:.0f}', *fractions])} |")
    return "\n".join(rows)


def _compilations(device: LocalDevice, onnx: bytes, precision: str) -> tuple[Compiled, Compiled]:
    """Compile with nothing measured before, and again with what was measured then."""
    settings = build_settings(
        device.describe().version,
        precision,
        batches=BatchProfile(typical=8, largest=max(_BATCHES)),
        image_shape=_SHAPE,
        workspace_mib=_WORKSPACE_MIB,
    )
    cold = device.compile(onnx, settings, timing_cache=b"")
    return cold, device.compile(onnx, settings, timing_cache=cold.timing_cache)


@contextlib.contextmanager
def _plan_calls(device: LocalDevice, plan: bytes) -> Iterator[dict[str, Callable[[], object]]]:
    """Give a call for each batch, from host to host, and one with the images on the GPU already."""
    from polygraphy import cuda  # noqa: PLC0415  not before the device was found
    from polygraphy.backend.trt import TrtRunner  # noqa: PLC0415

    engine = device.engine_from_plan(plan)
    with contextlib.ExitStack() as stack:
        calls: dict[str, Callable[[], object]] = {}
        for size in _BATCHES:
            images = _images(size)
            resident = stack.enter_context(cuda.DeviceArray(images.shape)).copy_from(images)
            profile = profile_of_engine(engine, size)
            runner, inner = (stack.enter_context(TrtRunner(engine, optimization_profile=profile)) for _ in range(2))
            calls[f"plan, {size}"] = _infer(runner, images, copy_outputs_to_host=True)
            calls[f"plan, images on the GPU, {size}"] = _infer(inner, resident, copy_outputs_to_host=False)
        yield calls


def _infer(runner: Any, images: Any, *, copy_outputs_to_host: bool) -> Callable[[], object]:
    return lambda: runner.infer({INPUT_NAME: images}, check_inputs=False, copy_outputs_to_host=copy_outputs_to_host)


def _cuda_provider_calls(classifier: Classifier) -> dict[str, Callable[[], object]]:
    """Return calls of ONNX Runtime on the same GPU, in single precision; none where it was built without CUDA."""
    provider = "CUDAExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        _say(f"ONNX Runtime: not measured, it has no {provider}\n")
        return {}
    session = onnxruntime.InferenceSession(classifier.onnx, providers=[provider])

    def call(images: Tensor) -> Callable[[], object]:
        return lambda: session.run([OUTPUT_NAME], {INPUT_NAME: images})

    return {f"ONNX Runtime, CUDA, {size}": call(_images(size)) for size in _BATCHES}


def _under_triton(plan: bytes, classes: int, alone: Callable[[], object]) -> str:
    """Time one image through a real Triton and by the plan alone, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        repository, name = Path(folder, "repository"), "densenet_tensorrt"
        model = ServedModel(name=name, shape=_SHAPE, labels=tuple(map(str, range(classes))), max_batch_size=0)
        write_tensorrt_model(model, plan, repository / name)
        with running_triton(repository, name) as url:
            medians = medians_s({"triton": triton_call(url, name, _images(1)[0]), "alone": alone})
    ratio = medians["triton"] / medians["alone"]
    return (
        f"\nTriton, one image over HTTP: {medians['triton'] * 1000:.3f} ms; the plan alone: "
        f"{medians['alone'] * 1000:.3f} ms; ratio {ratio:.2f}"
    )


def _images(size: int) -> Tensor:
    random = np.random.default_rng(0)
    return random.standard_normal((size, *_SHAPE), np.float32)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
