"""The device that is really there: TensorRT by Polygraphy's loaders, on the first GPU that is visible."""

import tempfile
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from model_build.contract import IMAGE_SHAPE, INPUT_NAME, OUTPUT_NAME
from model_build.errors import AdaptError, DeviceError
from model_build.preprocessing import Tensor
from model_build.scoring import Scores
from model_build.tensorrt.device import BatchProfile, Compiled, Machine
from model_build.tensorrt.faults import send_to_log, told_faults
from model_build.tensorrt.gpu import loaded_nvml, present_gpu
from model_build.tensorrt.library import loaded_bindings
from model_build.tensorrt.precision import STRONGLY_TYPED_SINCE

_MIB = 2**20


@cache
def local_device() -> "LocalDevice":
    """Find TensorRT and the GPU of this machine, and see that they work together.

    Raises:
        DeviceError: one of them, the driver or a package is missing, or does not fit the rest.
    """
    loaded_nvml()  # first of all: without a driver TensorRT, once it is loaded, ends the process
    trt, version = loaded_bindings()
    try:
        from polygraphy import cuda  # noqa: PLC0415  a build for ONNX Runtime does not need it
    except ImportError as error:
        raise DeviceError(
            f"{error}; accepted: the packages of images/model-build-tensorrt/requirements.lock"
        ) from error
    send_to_log()
    try:
        runtime = cuda.wrapper().handle
    except OSError as error:
        raise DeviceError(
            f"the CUDA runtime cannot be loaded: {error}; accepted: libcudart of TensorRT's CUDA on LD_LIBRARY_PATH"
        ) from error
    return LocalDevice(trt, Machine(version=version, gpu=present_gpu(runtime)))


class LocalDevice:
    """TensorRT, its bindings, and one GPU; a ``Device``."""

    def __init__(self, trt: ModuleType, machine: Machine) -> None:
        self._trt: Any = trt
        self._machine = machine

    def describe(self) -> Machine:
        """Say which they are, see ``Device``."""
        return self._machine

    def compile(self, onnx: bytes, *, profile: BatchProfile, workspace_mib: int, timing_cache: bytes) -> Compiled:
        """Compile a plan, see ``Device``."""
        from polygraphy.backend import trt as loaders  # noqa: PLC0415

        doing = f"TensorRT {self._machine.version_text} cannot compile the model"
        with told_faults(doing, model=onnx), tempfile.TemporaryDirectory() as folder:
            given, measured = Path(folder, "given"), Path(folder, "measured")
            given.write_bytes(timing_cache)
            shapes = [(size, *IMAGE_SHAPE) for size in (profile.smallest, profile.typical, profile.largest)]
            started = time.monotonic()
            # Version-compatible plans are off, as they are by default: they carry code.
            network = loaders.NetworkFromOnnxBytes(onnx, strongly_typed=self._machine.version >= STRONGLY_TYPED_SINCE)()
            config = loaders.CreateConfig(
                tf32=False,
                profiles=[loaders.Profile().add(INPUT_NAME, *shapes)],
                memory_pool_limits={self._trt.MemoryPoolType.WORKSPACE: workspace_mib * _MIB},
                load_timing_cache=str(given) if timing_cache else None,
            )(*network[:2])
            plan = loaders.EngineBytesFromNetwork(network, config=config, save_timing_cache=str(measured))()
            cache_after = measured.read_bytes()
            return Compiled(
                plan=bytes(plan),
                tactic_sources=self._tactic_sources(config),
                build_seconds=round(time.monotonic() - started, 1),
                timing_cache=cache_after,
                cache_hit=bool(timing_cache) and len(cache_after) <= len(timing_cache),
            )

    def scores(self, plan: bytes, images: Tensor) -> Scores:
        """Run a plan, see ``Device``."""
        from polygraphy.backend.trt import TrtRunner  # noqa: PLC0415

        engine = self.engine_from_plan(plan)
        doing = f"TensorRT {self._machine.version_text} cannot run the plan on a batch of {len(images)}"
        with told_faults(doing), TrtRunner(engine) as runner:
            output = runner.infer({INPUT_NAME: np.ascontiguousarray(images)})[OUTPUT_NAME]
            return np.array(output, np.float32)  # a copy: the runner takes its buffers with it

    def engine_from_plan(self, plan: bytes) -> Any:
        """Load a plan, for Polygraphy's runner. Polygraphy's own loader would let it execute code that it carries.

        Raises:
            PlanError: it cannot be loaded.
            AdaptError: it has not the served contract's input and output.
        """
        from polygraphy.backend.trt import get_trt_logger  # noqa: PLC0415

        damaged = "it is damaged, or was not compiled here; accepted: a whole plan of this TensorRT and this GPU"
        with told_faults(f"TensorRT {self._machine.version_text} cannot run the plan", otherwise=damaged):
            self._trt.init_libnvinfer_plugins(get_trt_logger(), "")
            engine = self._trt.Runtime(get_trt_logger()).deserialize_cuda_engine(plan)
            if engine is None:
                raise ValueError("it gives no reason")
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        if sorted(names) != [INPUT_NAME, OUTPUT_NAME]:
            raise AdaptError(f"the plan has {names}; accepted: one input '{INPUT_NAME}', one output '{OUTPUT_NAME}'")
        return engine

    def _tactic_sources(self, config: Any) -> tuple[str, ...]:
        enabled = config.get_tactic_sources()
        sources = self._trt.TacticSource.__members__.items()
        return tuple(sorted(name for name, source in sources if enabled >> int(source) & 1))
