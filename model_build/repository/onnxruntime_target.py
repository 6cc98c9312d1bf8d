"""Target onnxruntime: ONNX Runtime on the CPU, through Triton's Python backend."""

from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from model_build.contract import IMAGE_SHAPE, INPUT_NAME, LABELS_FILE, MODEL_FILE, MODEL_VERSION, OUTPUT_NAME
from model_build.repository.served import ServedModel

_CONFIG: Final = Template("""\
name: "$name"
backend: "python"
max_batch_size: $max_batch_size
input [
  {
    name: "$input"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ $image_dims ]
  }
]
output [
  {
    name: "$output"
    data_type: TYPE_FP32
    dims: [ $classes ]
    label_filename: "$labels_file"
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
""")
_DYNAMIC_BATCHING: Final = "dynamic_batching { }\n"


def write_onnxruntime_model(model: ServedModel, folder: Path) -> None:
    """Fill a model's folder for Triton's Python backend.

    Args:
        model: the adapted classifier.
        folder: the model's own folder in the repository, named as the model.
    """
    version = folder / MODEL_VERSION
    version.mkdir(parents=True)
    (folder / "config.pbtxt").write_text(config_pbtxt(model), encoding="utf-8")
    (folder / LABELS_FILE).write_text("".join(f"{label}\n" for label in model.labels), encoding="utf-8")
    (version / MODEL_FILE).write_bytes(model.onnx)
    backend = resources.files("model_build.repository") / "python_model.py"
    (version / "model.py").write_bytes(backend.read_bytes())


def config_pbtxt(model: ServedModel) -> str:
    """Return Triton's configuration of a model; ``intra_op_threads`` 0 takes the pod's CPUs."""
    text = _CONFIG.substitute(
        name=model.name,
        max_batch_size=model.max_batch_size,
        input=INPUT_NAME,
        image_dims=", ".join(map(str, IMAGE_SHAPE)),
        output=OUTPUT_NAME,
        classes=len(model.labels),
        labels_file=LABELS_FILE,
    )
    return text + (_DYNAMIC_BATCHING if model.max_batch_size > 0 else "")
