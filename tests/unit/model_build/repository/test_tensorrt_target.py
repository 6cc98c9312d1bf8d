"""What Triton is told of a plan: the quick start's contract, and what batches and other images change of it."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from contract.served import ImageShape
from model_build.repository import ServedModel
from model_build.repository.tensorrt_target import config_pbtxt, write_tensorrt_model

CONTRACT = """\
name: "tiny"
platform: "tensorrt_plan"
max_batch_size: 0
input [
  {
    name: "input"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ CHANNELS, HEIGHT, WIDTH ]
    reshape { shape: [ 1, CHANNELS, HEIGHT, WIDTH ] }
  }
]
output [
  {
    name: "output"
    data_type: TYPE_FP32
    dims: [ 2 ]
    reshape { shape: [ 1, 2 ] }
    label_filename: "labels.txt"
  }
]
instance_group [
  {
    count: 1
    kind: KIND_GPU
  }
]
optimization { cuda { graphs: true } }
model_warmup [
  {
    name: "batch of 1"
    batch_size: 1
    count: 1
    inputs {
      key: "input"
      value {
        data_type: TYPE_FP32
        dims: [ CHANNELS, HEIGHT, WIDTH ]
        zero_data: true
      }
    }
  }
]
"""
BATCHES = """\
name: "tiny"
platform: "tensorrt_plan"
max_batch_size: 8
input [
  {
    name: "input"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ CHANNELS, HEIGHT, WIDTH ]
  }
]
output [
  {
    name: "output"
    data_type: TYPE_FP32
    dims: [ 2 ]
    label_filename: "labels.txt"
  }
]
instance_group [
  {
    count: 2
    kind: KIND_GPU
    profile: [ "0", "1" ]
  }
]
dynamic_batching { }
model_warmup [
  {
    name: "batch of 1"
    batch_size: 1
    count: 1
    inputs {
      key: "input"
      value {
        data_type: TYPE_FP32
        dims: [ CHANNELS, HEIGHT, WIDTH ]
        zero_data: true
      }
    }
  },
  {
    name: "batch of 8"
    batch_size: 8
    count: 1
    inputs {
      key: "input"
      value {
        data_type: TYPE_FP32
        dims: [ CHANNELS, HEIGHT, WIDTH ]
        zero_data: true
      }
    }
  }
]
"""
SHAPES = [(3, 224, 224), (3, 299, 299), (1, 28, 30)]


def served(shape: ImageShape, *, max_batch_size: int = 0, instances: int = 1) -> ServedModel:
    return ServedModel(
        name="tiny", shape=shape, labels=("TENCH", "MUG"), max_batch_size=max_batch_size, instances=instances
    )


def config_of(text: str, shape: ImageShape = (3, 224, 224)) -> Any:
    for name, size in zip(("CHANNELS", "HEIGHT", "WIDTH"), shape, strict=True):
        text = text.replace(name, str(size))
    return text_format.Parse(text, model_config_pb2.ModelConfig())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_configuration_is_the_quick_start_s_contract_for_images_of_the_model_s_shape(shape: ImageShape) -> None:
    assert config_of(config_pbtxt(served(shape))) == config_of(CONTRACT, shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batches_have_two_profiles_and_a_warm_up_each_and_no_cuda_graphs(shape: ImageShape) -> None:
    assert config_of(config_pbtxt(served(shape, max_batch_size=8, instances=2))) == config_of(BATCHES, shape)


def test_the_folder_is_what_triton_s_tensorrt_backend_loads(tmp_path: Path) -> None:
    folder, model = tmp_path / "tiny", served((1, 28, 30))
    write_tensorrt_model(model, b"plan", folder)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "config.pbtxt": config_pbtxt(model).encode(),
        "labels.txt": b"TENCH\nMUG\n",
        "1/model.plan": b"plan",
    }
