"""Triton's configuration of a model, config.pbtxt: read and written as what it is, protobuf text."""

from functools import cache
from importlib import resources
from typing import Any, Final

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    json_format,
    message_factory,
    text_format,
)

from model_build.contract import INPUT_NAME, LABELS_FILE, OUTPUT_NAME
from model_build.errors import SourceError
from model_build.repository.served import ServedModel

CONFIG_FILE: Final = "config.pbtxt"
ModelConfig = Any
"""Triton's message ``inference.ModelConfig``, whose class exists only at run time."""

Shape = tuple[int, int, int]
"""Of one image: planes, height, width."""

_DESCRIPTION: Final = "model_config.json"
"""Triton's model_config.proto as protobuf describes it itself (google.protobuf.FileDescriptorProto), of tritonclient
2.73.0; Copyright NVIDIA CORPORATION, BSD 3-Clause. `python -m tests.unit.model_build.repository.test_config` writes it
anew."""

_UNKNOWN: Final = "has no field named"


def config_from_text(text: str, *, name: str) -> ModelConfig:
    """Read a config.pbtxt by the rules that Triton itself reads it by.

    Args:
        text: the file's content.
        name: what an error calls the file.

    Raises:
        SourceError: it is no such text, or has a field that Triton, as it is known here, has not; gives the place.
    """
    try:
        return text_format.Parse(text, _message_class()())
    except text_format.ParseError as error:
        reason = str(error).partition(" : ")[2]
        accepted = "a configuration without it" if _UNKNOWN in reason else "protobuf text, as Triton reads it"
        place = f"line {error.GetLine()}, column {error.GetColumn()}"
        raise SourceError(f"{name}, {place}: {reason.rstrip('.')}; accepted: {accepted}") from error


def text_from_config(config: ModelConfig) -> str:
    """Write a configuration as the content of a config.pbtxt."""
    text: str = text_format.MessageToString(config, use_short_repeated_primitives=True)
    return text


def python_config(model: ServedModel, *, shape: Shape) -> ModelConfig:
    """Configure a model of Triton's Python backend; ``intra_op_threads`` 0 takes the pod's CPUs."""
    config = _contract_config(model, shape)
    config.backend = "python"
    config.instance_group.add(count=1, kind="KIND_CPU")
    config.parameters["intra_op_threads"].string_value = "0"
    return config


def tensorrt_config(model: ServedModel, *, shape: Shape) -> ModelConfig:
    """Configure a plan, which takes [N,planes,height,width] whatever contract is served.

    A plan of batches has two optimization profiles, of which Triton takes for each batch the one whose typical
    size is nearest. A plan of one image is launched as a CUDA graph. Its warm-up runs while the model is loaded:
    a plan that this GPU cannot run is never ready.
    """
    config = _contract_config(model, shape)
    config.platform = "tensorrt_plan"
    group = config.instance_group.add(count=model.instances, kind="KIND_GPU")
    if model.max_batch_size > 1:
        group.profile.extend(["0", "1"])
    if model.max_batch_size == 0:
        config.input[0].reshape.shape.extend([1, *shape])
        config.output[0].reshape.shape.extend([1, len(model.labels)])
        config.optimization.cuda.graphs = True
    for size in sorted({1, model.max_batch_size or 1}):
        warm_up = config.model_warmup.add(name=f"batch of {size}", batch_size=size, count=1)
        images = warm_up.inputs[INPUT_NAME]
        images.data_type, images.zero_data = config.input[0].data_type, True
        images.dims.extend(shape)
    return config


def _contract_config(model: ServedModel, shape: Shape) -> ModelConfig:
    """Configure what every target serves alike: the tensors, the labels and the batches."""
    config = _message_class()(name=model.name, max_batch_size=model.max_batch_size)
    config.input.add(name=INPUT_NAME, data_type="TYPE_FP32", format="FORMAT_NCHW", dims=shape)
    config.output.add(name=OUTPUT_NAME, data_type="TYPE_FP32", dims=[len(model.labels)], label_filename=LABELS_FILE)
    if model.max_batch_size > 0:
        config.dynamic_batching.SetInParent()  # present, with nothing in it
    return config


@cache
def _message_class() -> type[Any]:
    """Make the message's class out of Triton's own description of it, which needs nothing but protobuf.

    Its pool is its own: tritonclient may describe the same messages beside it.
    """
    text = (resources.files("model_build.repository") / _DESCRIPTION).read_text(encoding="utf-8")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(json_format.Parse(text, descriptor_pb2.FileDescriptorProto()))
    message: type[Any] = message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))
    return message
