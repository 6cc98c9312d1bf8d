"""A manifest for tests that need one and do not care which."""

from contract.comparison import LOGITS, Tolerance
from contract.expectation import Expectation
from contract.manifest import Golden, GoldenPicture, Manifest, Reference, SourceRecord
from contract.preprocessing import preprocessing_from_value

TOLERANCE = Tolerance(largest=0.005, cosine=0.99999)
MANIFEST = Manifest(
    plan_id="0123456789abcdef",
    engine_id=None,
    model="tiny",
    target="onnxruntime",
    precision="fp32",
    max_batch_size=8,
    source=SourceRecord(kind="onnx", name="https://models.example/m.onnx", sha256="a" * 64),
    shape=(3, 224, 224),
    classes=2,
    preprocessing=preprocessing_from_value({"resize": 256, "scale": 1, "mean": 127, "std": 128}, (3, 224, 224)),
    files={"golden_input_0.bin": "b" * 64},
    versions={"python": "3.11.2", "onnx": "1.23.2"},
    reference=Reference(largest=0.00123, cosine=0.999999, top=2, tolerance=TOLERANCE),
    tensorrt=None,
    golden=Golden(
        scale=LOGITS,
        tolerance=TOLERANCE,
        pictures=(
            GoldenPicture(
                sha256="c" * 64,
                input_file="golden_input_0.bin",
                expectation=Expectation(class_index=1, label="MUG"),
                scores=(0.5, 9.25),
            ),
        ),
    ),
)
