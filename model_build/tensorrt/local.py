"""The device that is really there: TensorRT by Polygraphy's loaders, on the first GPU that is visible."""

import time
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from contract.served import INPUT_NAME, OUTPUT_NAME
from model_build.errors import AdaptError, DeviceError
from model_build.scoring import Scores, Tensor
from model_build.tensorrt.device import BatchProfile, BuildSettings, Compiled, Machine
from model_build.tensorrt.faults import send_to_log, told_faults
from model_build.tensorrt.gpu import loaded_nvml, present_gpu
from model_build.tensorrt.interruption import held_interrupts, progress_until
from model_build.tensorrt.library import loaded_bindings
from model_build.tensorrt.settings import profile_for_batch
from model_build.tensorrt.timing_cache import accepted_timing_cache, is_cache_hit, measured_timing_cache


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

    def compile(self, onnx: bytes, settings: BuildSettings, *, timing_cache: bytes) -> Compiled:
        """Compile a plan, see ``Device``."""
        from polygraphy.backend import trt as loaders  # noqa: PLC0415

        doing = f"TensorRT {self._machine.version_text} cannot compile the model"
        with held_interrupts() as came, told_faults(doing, model=onnx):
            started = time.monotonic()
            # Version-compatible plans are off, as they are by default: they carry code.
            network = loaders.NetworkFromOnnxBytes(onnx, strongly_typed=settings.strongly_typed)()
            config = loaders.CreateConfig(
                tf32=settings.tf32,
                profiles=[loaders.Profile().add(INPUT_NAME, *shapes) for shapes in settings.input_shapes()],
                memory_pool_limits={self._trt.MemoryPoolType.WORKSPACE: settings.workspace_bytes},
                progress_monitor=progress_until(came, self._trt),
            )(*network[:2])
            accepted = accepted_timing_cache(config, timing_cache)
            plan = loaders.EngineBytesFromNetwork(network, config=config)()
            measured = measured_timing_cache(config)
            return Compiled(
                plan=bytes(plan),
                tactic_sources=self._tactic_sources(config),
                build_seconds=round(time.monotonic() - started, 1),
                timing_cache=measured,
                cache_hit=is_cache_hit(accepted, measured),
            )

    def scores(self, plan: bytes, images: Tensor) -> Scores:
        """Run a plan, see ``Device``."""
        from polygraphy.backend.trt import TrtRunner  # noqa: PLC0415

        engine = self.engine_from_plan(plan)
        doing = f"TensorRT {self._machine.version_text} cannot run the plan on a batch of {len(images)}"
        with (
            told_faults(doing),
            TrtRunner(engine, optimization_profile=profile_of_engine(engine, len(images))) as runner,
        ):
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


def profile_of_engine(engine: Any, size: int) -> int:
    """Choose the optimization profile that an engine runs a batch by, as Triton chooses it."""
    shapes = [engine.get_tensor_profile_shape(INPUT_NAME, index) for index in range(engine.num_optimization_profiles)]
    profiles = [
        BatchProfile(smallest=smallest[0], typical=typical[0], largest=largest[0])
        for smallest, typical, largest in shapes
    ]
    return profile_for_batch(profiles, size)
