import dataclasses

from model_build.summary import summary_from_manifest
from model_build.tensorrt.device import BatchProfile, Machine
from model_build.tensorrt.record import Compilation, TensorRTRecord, document_from_record
from tests.unit.model_build.manifests import MANIFEST
from tests.unit.model_build.onnx_device import H800

PREPROCESSING = (
    "{resize: [256], crop: [224, 224], scale: 1.0, mean: [127.0, 127.0, 127.0], std: [128.0, 128.0, 128.0], "
    "channels: rgb}"
)


def test_a_plan_is_described_line_by_line() -> None:
    assert summary_from_manifest(MANIFEST).splitlines() == [
        "plan 0123456789abcdef",
        "  model       tiny, 2 classes, maxBatchSize 8",
        "  target      onnxruntime, fp32",
        f"  input       3x224x224, {PREPROCESSING}",
        "  source      onnx https://models.example/m.onnx",
        "  sha256      " + "a" * 64,
        "  built with  python 3.11.2, onnx 1.23.2",
        "  original    differs by at most 0.0012 spreads of its scores, cosine 0.999999",
        "  golden      9.250000 (1) = MUG",
        "  tolerance   0.005 spreads, cosine 0.99999; logits",
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
    assert described(record)[7:12] == [
        "  tensorrt    10.13.3",
        "  gpu         NVIDIA-H800, compute capability 9.0, driver 550.54.15",
        "  compiled    in 34.6 s, measured anew, tactics of CUBLAS, CUDNN",
        "  batches     1 to 64, tuned for 8",
        "  workspace   4096 MiB",
    ]
    assert "compiled" not in "".join(described(dataclasses.replace(record, compilation=None)))


def described(record: TensorRTRecord) -> list[str]:
    manifest = dataclasses.replace(MANIFEST, tensorrt=document_from_record(record))
    return summary_from_manifest(manifest).splitlines()


def test_what_was_not_measured_is_said_so() -> None:
    picture = dataclasses.replace(MANIFEST.golden.pictures[0], scores=None)
    golden = dataclasses.replace(MANIFEST.golden, pictures=(picture,))
    text = summary_from_manifest(dataclasses.replace(MANIFEST, golden=golden, reference=None))
    assert "  original    none" in text
    assert "  golden      not measured (1) = MUG" in text
