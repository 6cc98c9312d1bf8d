from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from model_build.repository import ServedModel
from model_build.repository.tensorrt_target import config_pbtxt


def served(*, max_batch_size: int = 0, instances: int = 1) -> ServedModel:
    return ServedModel(name="tiny", labels=("TENCH", "MUG"), max_batch_size=max_batch_size, instances=instances)


def test_as_many_instances_run_as_are_asked_for() -> None:
    assert "    count: 3\n    kind: KIND_GPU\n" in config_pbtxt(served(instances=3))


def test_the_configuration_is_the_quick_start_s_contract() -> None:
    assert (
        config_pbtxt(served())
        == """\
name: "tiny"
platform: "tensorrt_plan"
max_batch_size: 0
input [
  {
    name: "input"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, 224, 224 ]
    reshape { shape: [ 1, 3, 224, 224 ] }
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
model_warmup [
  {
    name: "batch of 1"
    batch_size: 1
    count: 1
    inputs {
      key: "input"
      value {
        data_type: TYPE_FP32
        dims: [ 3, 224, 224 ]
        zero_data: true
      }
    }
  }
]
"""
    )


def test_batches_are_gathered_and_the_largest_is_warmed_up_too() -> None:
    config = text_format.Parse(config_pbtxt(served(max_batch_size=8)), model_config_pb2.ModelConfig())
    assert config.max_batch_size == 8
    assert config.HasField("dynamic_batching")
    assert [(warm_up.batch_size, warm_up.count) for warm_up in config.model_warmup] == [(1, 1), (8, 1)]
    assert not config.input[0].HasField("reshape")
    assert not config.output[0].HasField("reshape")


def test_a_batch_of_one_is_warmed_up_once() -> None:
    assert config_pbtxt(served(max_batch_size=1)).count("model_warmup") == 1
    assert "dynamic_batching { }" in config_pbtxt(served(max_batch_size=1))


def test_triton_s_own_schema_reads_both_contracts() -> None:
    for max_batch_size in (0, 1, 8):
        config = config_pbtxt(served(max_batch_size=max_batch_size))
        assert text_format.Parse(config, model_config_pb2.ModelConfig()).platform == "tensorrt_plan"
