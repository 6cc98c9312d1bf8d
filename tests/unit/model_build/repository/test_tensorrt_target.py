from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from model_build.repository import ServedModel
from model_build.repository.tensorrt_target import config_pbtxt

CONTRACT = """\
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
        dims: [ 3, 224, 224 ]
        zero_data: true
      }
    }
  }
]
"""


def test_the_configuration_is_the_quick_start_s_contract() -> None:
    model = ServedModel(name="tiny", labels=("TENCH", "MUG"), max_batch_size=0)
    expected = text_format.Parse(CONTRACT, model_config_pb2.ModelConfig())
    assert text_format.Parse(config_pbtxt(model), model_config_pb2.ModelConfig()) == expected
