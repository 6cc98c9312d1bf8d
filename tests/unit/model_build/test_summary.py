import dataclasses

from model_build.manifest import Golden, Manifest, SourceRecord
from model_build.reference import Reference
from model_build.summary import summary_from_manifest
from model_build.tensorrt.device import BatchProfile, Machine
from model_build.tensorrt.record import Compilation, TensorRTRecord
from tests.unit.model_build.onnx_device import H800

MANIFEST = Manifest(
    plan_id="0123456789abcdef",
    model="tiny",
    target="onnxruntime",
    precision="fp32",
    max_batch_size=8,
    source=SourceRecord(kind="onnx", url="https://models.example/m.onnx", sha256="a" * 64),
    classes=2,
    files={"golden_input.bin": "b" * 64},
    versions={"python": "3.11.2", "onnx": "1.23.2"},
    reference=Reference(max_abs_difference=0.00123),
    tensorrt=None,
    golden=Golden(image_sha256="c" * 64, class_index=1, label="MUG", tolerance=0.01, scores=(0.5, 9.25)),
)


def test_a_plan_is_described_line_by_line() -> None:
    assert summary_from_manifest(MANIFEST).splitlines() == [
        "plan 0123456789abcdef",
        "  model       tiny, 2 classes, maxBatchSize 8",
        "  target      onnxruntime, fp32",
        "  source      onnx https://models.example/m.onnx",
        "  sha256      " + "a" * 64,
        "  built with  python 3.11.2, onnx 1.23.2",
        "  original    differs by at most 0.0012",
        "  golden      9.250000 (1) = MUG, tolerance 0.01",
        "  files       1, each with its sha256",
    ]


def test_a_tensorrt_plan_says_what_it_is_tied_to_and_how_it_was_compiled() -> None:
    machine = Machine(version=(10, 13, 3), gpu=H800)
    compilation = Compilation(
        profile=BatchProfile(typical=8, largest=64),
        workspace_mib=4096,
        tactic_sources=("CUBLAS", "CUDNN"),
        build_seconds=34.6,
        cache_hit=False,
    )
    record = TensorRTRecord(machine=machine, compilation=compilation)
    assert summary_from_manifest(dataclasses.replace(MANIFEST, tensorrt=record)).splitlines()[6:11] == [
        "  tensorrt    10.13.3",
        "  gpu         NVIDIA-H800, compute capability 9.0, driver 550.54.15",
        "  compiled    in 34.6 s, measured anew, tactics of CUBLAS, CUDNN",
        "  batches     1 to 64, tuned for 8",
        "  workspace   4096 MiB",
    ]
    prebuilt = dataclasses.replace(MANIFEST, tensorrt=dataclasses.replace(record, compilation=None))
    assert "compiled" not in summary_from_manifest(prebuilt)


def test_what_was_not_measured_is_said_so() -> None:
    golden = dataclasses.replace(MANIFEST.golden, scores=None)
    text = summary_from_manifest(dataclasses.replace(MANIFEST, golden=golden, reference=None))
    assert "  original    none" in text
    assert "  golden      not measured (1) = MUG" in text
