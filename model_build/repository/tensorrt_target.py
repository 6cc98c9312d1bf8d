"""Target tensorrt: a plan that was compiled on the GPU that serves it, through Triton's TensorRT backend."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from contract.comparison import Tolerance
from contract.served import PLAN_FILE
from model_build.errors import AdaptError, DeviceError
from model_build.repository.config import tensorrt_config, text_from_config
from model_build.repository.served import Order, ServedModel, Written, written_version
from model_build.repository.target import Target
from model_build.scoring import Scores, Tensor
from model_build.spec import PrebuiltSource, Spec, TensorRTSpec
from model_build.tensorrt.comparison import compared_plan
from model_build.tensorrt.device import BatchProfile, Compiled, Device, Machine
from model_build.tensorrt.engines import engine_from_folder, write_engine
from model_build.tensorrt.local import local_device
from model_build.tensorrt.precision import PRECISIONS, onnx_in_precision, refuse_precision
from model_build.tensorrt.record import Compilation, TensorRTRecord
from model_build.tensorrt.settings import ONE_IMAGE, build_settings
from model_build.tensorrt.timing_cache import timing_cache_from_file, timing_cache_path, write_timing_cache

_LOGGER = logging.getLogger(__name__)


class TensorRTTarget(Target):
    """Plans for Triton's TensorRT backend.

    Args:
        open_device: gives the GPU and its TensorRT, or refuses.
    """

    def __init__(self, open_device: Callable[[], Device] = local_device) -> None:
        self._open_device = open_device

    @property
    def tolerances(self) -> Mapping[str, Tolerance]:  # noqa: D102  the base class says it
        return {name: precision.score_tolerance for name, precision in PRECISIONS.items()}

    def admit(self, spec: Spec, /) -> TensorRTRecord:
        """See that this is the GPU that the plan is for, and that its TensorRT builds in the precision, if it must."""
        machine = self._open_device().describe()
        wanted = _options(spec).gpu_product
        if machine.gpu.product != wanted:
            raise DeviceError(
                f"the plan is for {wanted}, but this GPU is {machine.gpu.product}; accepted: the node pool's own GPU, "
                f"or nodePool.gpuProduct {machine.gpu.product}"
            )
        if not isinstance(spec.source, PrebuiltSource):
            refuse_precision(spec.precision, machine)
        return TensorRTRecord(machine=machine, compilation=None)

    def write(self, order: Order, folder: Path) -> Written:
        """Compile the plan where its engine is not kept yet, compare it, and fill the model's folder."""
        spec, device = order.inputs.spec, self._open_device()
        plan, compilation = _engine(order, device)
        reference = compared_plan(
            plan,
            device,
            order.yardstick,
            profile=_batches(spec),
            tolerance=PRECISIONS[spec.precision].reference_tolerance,
        )
        write_tensorrt_model(order.served, plan, folder)
        return Written(
            scores=[device.scores(plan, image[np.newaxis])[0] for image in order.golden],
            reference=reference,
            tensorrt=TensorRTRecord(machine=device.describe(), compilation=compilation),
        )

    def scores(self, version: Path, image: Tensor) -> Scores:
        """Run the folder's plan."""
        path = version / PLAN_FILE
        try:
            plan = path.read_bytes()
        except OSError as error:
            raise AdaptError(f"{path}: {error.strerror}") from error
        return self._open_device().scores(plan, image[np.newaxis]).reshape(-1)

    def refuse_foreign(self, record: TensorRTRecord | None, /) -> None:
        """See that a plan is of this TensorRT and this GPU product."""
        here = self._open_device().describe()
        if record is None or _tied_to(record.machine) != _tied_to(here):
            plan = "nothing that it names" if record is None else " on ".join(_tied_to(record.machine))
            raise DeviceError(
                f"the plan is of TensorRT {plan}, but this is TensorRT {' on '.join(_tied_to(here))}; "
                "accepted: a plan that was compiled here"
            )


def config_pbtxt(model: ServedModel) -> str:
    """Return Triton's configuration of a plan."""
    return text_from_config(tensorrt_config(model))


def _engine(order: Order, device: Device) -> tuple[bytes, Compilation]:
    """Give the compiled engine, kept from an earlier build or compiled now and kept for the next."""
    engine_id = order.inputs.spec.engine_id
    kept = engine_from_folder(order.storage.engines / engine_id) if engine_id else None
    if kept:
        _LOGGER.info("engine %s is compiled already; comparing with the original", engine_id)
        return kept
    compiled = _compiled(order, device)
    compilation = _compilation(compiled, order.inputs.spec)
    _LOGGER.info(
        "compiled in %.1f s, %s; comparing with the original",
        compiled.build_seconds,
        "with the timing cache" if compiled.cache_hit else "measured anew",
    )
    if engine_id:
        write_engine(compiled.plan, compilation, order.storage.engines / engine_id)
    return compiled.plan, compilation


def _compiled(order: Order, device: Device) -> Compiled:
    """Compile the plan, with what this machine has measured before."""
    spec, machine = order.inputs.spec, device.describe()
    if spec.max_batch_size > 0 and not order.classifier.batched:  # of batches Triton takes plans of any batch alone
        raise AdaptError(
            "the model takes one image alone, but the plan is compiled for batches; accepted: a model with a "
            "dynamic batch axis, or maxBatchSize 0"
        )
    _LOGGER.info("compiling with TensorRT %s for %s", machine.version_text, machine.gpu.product)
    cache = timing_cache_path(order.storage.timing_caches, machine)
    compiled = device.compile(
        onnx_in_precision(order.classifier, spec.precision),
        build_settings(
            machine.version,
            spec.precision,
            batches=_batches(spec),
            image_shape=order.classifier.shape,
            workspace_mib=_options(spec).workspace_mib,
        ),
        timing_cache=timing_cache_from_file(cache),
    )
    write_timing_cache(compiled.timing_cache, cache)
    return compiled


def _batches(spec: Spec) -> BatchProfile:
    """Return the batches that the plan takes: those that are ever asked for."""
    return ONE_IMAGE if spec.max_batch_size <= 1 else _options(spec).profile


def _compilation(compiled: Compiled, spec: Spec) -> Compilation:
    return Compilation(
        profile=_batches(spec),
        workspace_mib=_options(spec).workspace_mib,
        tactic_sources=compiled.tactic_sources,
        build_seconds=compiled.build_seconds,
        cache_hit=compiled.cache_hit,
    )


def write_tensorrt_model(model: ServedModel, plan: bytes, folder: Path) -> None:
    """Fill a model's folder for Triton's TensorRT backend.

    Args:
        model: how it is served.
        plan: for the GPU that will serve it.
        folder: the model's own folder in the repository, named as the model.
    """
    (written_version(model, config_pbtxt(model), folder) / PLAN_FILE).write_bytes(plan)


def _tied_to(machine: Machine) -> tuple[str, str]:
    return machine.version_text, machine.gpu.product


def _options(spec: Spec) -> TensorRTSpec:
    if spec.tensorrt is None:  # the specification's reader has seen to it
        raise AssertionError
    return spec.tensorrt
