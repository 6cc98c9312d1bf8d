from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from model_build.repository import ServedModel
from model_build.repository.onnxruntime_target import config_pbtxt, write_onnxruntime_model


def served(*, max_batch_size: int = 0) -> ServedModel:
    return ServedModel(name="tiny", shape=(3, 224, 224), labels=("TENCH", "MUG"), max_batch_size=max_batch_size)


CONTRACT = """\
name: "tiny"
backend: "python"
max_batch_size: 0
input [
  {
    name: "input"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, 224, 224 ]
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
    count: 1
    kind: KIND_CPU
  }
]
parameters {
  key: "intra_op_threads"
  value { string_value: "0" }
}
"""


def test_the_configuration_is_the_served_contract() -> None:
    expected = text_format.Parse(CONTRACT, model_config_pb2.ModelConfig())
    assert text_format.Parse(config_pbtxt(served()), model_config_pb2.ModelConfig()) == expected


def test_batches_are_gathered_where_they_are_served() -> None:
    expected = text_format.Parse(f"{CONTRACT}dynamic_batching {{ }}", model_config_pb2.ModelConfig())
    expected.max_batch_size = 8
    assert text_format.Parse(config_pbtxt(served(max_batch_size=8)), model_config_pb2.ModelConfig()) == expected


@pytest.mark.parametrize("max_batch_size", [0, 8])
def test_the_folder_is_what_triton_s_python_backend_loads(tmp_path: Path, max_batch_size: int) -> None:
    folder = tmp_path / "tiny"
    write_onnxruntime_model(served(max_batch_size=max_batch_size), b"model", folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"config.pbtxt", "labels.txt", "1/model.py", "1/model.onnx"}
    assert (folder / "labels.txt").read_text() == "TENCH\nMUG\n"
    assert (folder / "1" / "model.onnx").read_bytes() == b"model"
    assert "class TritonPythonModel:" in (folder / "1" / "model.py").read_text()
