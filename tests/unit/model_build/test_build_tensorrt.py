"""Target tensorrt from the inputs to the published plan, with ONNX Runtime behind the seam."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from contract.comparison import Tolerance
from model_build.build import published_manifest
from model_build.digest import file_digests, tree_sha256
from model_build.errors import AdaptError, AnswerError, DeviceError, ModelBuildError, PlanError, RepositoryError
from model_build.inputs import inputs_from_folder
from model_build.repository import TARGETS
from model_build.repository.tensorrt_target import TensorRTTarget
from model_build.tensorrt.device import BatchProfile
from model_build.tensorrt.settings import ONE_IMAGE, build_settings
from model_build.verify import verified_manifest
from tests.unit.model_build.conftest import expected
from tests.unit.model_build.onnx_device import H800, MEASURED, OnnxDevice
from tests.unit.model_build.tensorrt_builds import TENSORRT, Builder, record_of, scores_of

Tiny = Callable[..., bytes]
SINGLE = Tolerance(largest=0.005, cosine=0.99999)
TEN_BITS = Tolerance(largest=0.1, cosine=0.9995)
TEN_BITS_AGAIN = Tolerance(largest=0.05, cosine=0.9999)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> OnnxDevice:
    """Put a device behind target tensorrt."""
    device = OnnxDevice()
    monkeypatch.setitem(TARGETS, "tensorrt", TensorRTTarget(lambda: device))
    return device


@pytest.fixture
def build(write_inputs: Callable[..., Path], storage: Path, device: OnnxDevice) -> Builder:
    assert device
    return Builder(write_inputs, storage)


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16"])
def test_a_plan_is_compiled_compared_and_published(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny, precision: str
) -> None:
    manifest = build(tiny_classifier(), precision=precision)
    assert verified_manifest(build.repository) == manifest
    assert sorted(manifest.files) == ["golden_input_0.bin", "tiny/1/model.plan", "tiny/config.pbtxt", "tiny/labels.txt"]
    settings = build_settings((10, 13, 3), precision, batches=ONE_IMAGE, image_shape=(3, 224, 224), workspace_mib=256)
    assert device.asked == [(settings, b"")]
    assert manifest.precision == precision
    assert manifest.golden.tolerance == {"fp32": SINGLE, "tf32": TEN_BITS_AGAIN, "fp16": TEN_BITS_AGAIN}[precision]
    assert manifest.reference
    assert manifest.reference.tolerance == {"fp32": SINGLE, "tf32": TEN_BITS, "fp16": TEN_BITS}[precision]
    assert (manifest.reference.largest > 1e-5) is (precision == "fp16")


def test_the_manifest_says_what_the_plan_is_tied_to(build: Builder, tiny_classifier: Tiny) -> None:
    build(tiny_classifier(), maxBatchSize=3)
    document = json.loads((build.repository / "manifest.json").read_text())
    assert document["tensorrt"] == {
        "version": "10.13.3",
        "gpu": {"product": "NVIDIA-H800", "computeCapability": "9.0", "driver": "550.54.15"},
        "compilation": {
            "profile": {"smallest": 1, "typical": 2, "largest": 3},
            "workspaceMib": 256,
            "tacticSources": ["CUBLAS", "CUDNN"],
            "buildSeconds": 0.1,
            "cacheHit": False,
        },
    }


@pytest.mark.parametrize(
    ("max_batch_size", "batches"), [(0, ONE_IMAGE), (1, ONE_IMAGE), (2, BatchProfile(typical=2, largest=3))]
)
def test_a_plan_takes_only_the_batches_that_are_served(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny, max_batch_size: int, batches: BatchProfile
) -> None:
    manifest = build(tiny_classifier(), maxBatchSize=max_batch_size)
    ((settings, _),) = device.asked
    assert settings.profiles[-1] == batches
    assert set(device.batches) == set(range(1, batches.largest + 1))
    compilation = record_of(manifest).compilation
    assert compilation
    assert compilation.profile == batches


def test_golden_scores_are_the_plan_s_own(build: Builder, device: OnnxDevice, tiny_classifier: Tiny) -> None:
    scores = scores_of(build(tiny_classifier()))
    device.offset = {2: 0.005}
    shifted = scores_of(build(tiny_classifier(), planId="f" * 16))
    assert shifted[2] - scores[2] == pytest.approx(0.005, abs=1e-5)


def test_a_pinned_plan_needs_no_gpu(build: Builder, tiny_classifier: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going back must work while every GPU serves; each pod still proves its answer on one."""

    def no_gpu() -> OnnxDevice:
        raise DeviceError("there is no GPU")

    built = build(tiny_classifier())
    monkeypatch.setitem(TARGETS, "tensorrt", TensorRTTarget(no_gpu))
    assert build(tiny_classifier(), pinned=True) == built
    (build.repository / "tiny" / "1" / "model.plan").chmod(0o644)
    (build.repository / "tiny" / "1" / "model.plan").write_bytes(b"another")
    with pytest.raises(RepositoryError, match=r"model\.plan has sha256"):
        build(tiny_classifier(), pinned=True)


def test_the_next_build_gets_the_timing_cache(build: Builder, device: OnnxDevice, tiny_classifier: Tiny) -> None:
    build(tiny_classifier())
    again = build(tiny_classifier(), planId="f" * 16)
    assert [cache for _, cache in device.asked] == [b"", MEASURED]
    compilation = record_of(again).compilation
    assert compilation
    assert compilation.cache_hit
    assert [path.name for path in (build.storage / "timing-caches").iterdir()] == ["10.13.3-NVIDIA-H800-9.0.cache"]


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (
            {1: 0.2},
            (
                r"^the plan does not answer as its original, expected picture 1, one of 1 at once: a score differs "
                r"by .* spreads, more than 0\.005.*; the worst is class 1: .*; class 1 is MUG$"
            ),
        ),
        ({2: float("nan")}, r"expected picture 1, one of 1 at once: class 2 scores nan, .*; class 2 is CUP$"),
    ],
)
def test_a_plan_that_answers_otherwise_is_not_published(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny, *, offset: dict[int, float], reason: str
) -> None:
    device.offset = offset
    with pytest.raises(AnswerError, match=reason):
        build(tiny_classifier())
    assert build.nothing_is_published()


def test_the_real_classifier_passes_in_half_precision(build: Builder, shared_models: Path) -> None:
    mug = (shared_models / "mug.jpg").read_bytes()
    manifest = build(
        (shared_models / "squeezenet1.1.onnx").read_bytes(),
        labels=tuple((shared_models / "imagenet_labels.txt").read_text().splitlines()),
        image=mug,
        precision="fp16",
        expect=[expected(mug, **{"class": 504, "label": "COFFEE MUG"})],
    )
    assert manifest.reference
    assert 0.001 < manifest.reference.largest < 0.02


def test_another_gpu_than_the_stack_s_is_refused_before_anything_is_compiled(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny
) -> None:
    device.gpu = replace(H800, product="NVIDIA-L4")
    with pytest.raises(DeviceError, match=r"the plan is for NVIDIA-H800, but this GPU is NVIDIA-L4; accepted: "):
        build(tiny_classifier())
    assert device.asked == []


def test_half_precision_needs_a_tensorrt_that_types_strongly(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny
) -> None:
    device.version = (8, 6, 1)
    with pytest.raises(ModelBuildError, match=r"^fp16 needs TensorRT 10\.0 or newer, this is 8\.6\.1; accepted: prec"):
        build(tiny_classifier(), precision="fp16")
    assert build(tiny_classifier(), precision="fp32").precision == "fp32"


def test_a_model_of_one_image_is_compiled_for_one_image(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny
) -> None:
    build(_of_one_image(tiny_classifier))
    assert [settings.profiles for settings, _ in device.asked] == [(ONE_IMAGE,)]


def test_a_model_of_one_image_is_not_compiled_for_batches(build: Builder, tiny_classifier: Tiny) -> None:
    with pytest.raises(AdaptError, match=r"takes one image alone, .*; accepted: .* batch axis, or maxBatchSize 0"):
        build(_of_one_image(tiny_classifier), maxBatchSize=1)
    assert build.nothing_is_published()


def _of_one_image(tiny_classifier: Tiny) -> bytes:
    """Compute the last shape, so that the batch axis cannot be freed."""
    model = onnx.load_model_from_string(tiny_classifier(batch=1, fixed_reshape=True))
    reshape = next(node for node in model.graph.node if node.op_type == "Reshape")
    position = list(model.graph.node).index(reshape)
    model.graph.node.insert(position, onnx.helper.make_node("Identity", [reshape.input[1]], ["computed"]))
    reshape = model.graph.node[position + 1]
    reshape.input[1] = "computed"
    data: bytes = model.SerializeToString()
    return data


def published_writable(build: Builder, model: bytes) -> Path:
    build(model)
    for path in build.repository.rglob("*"):
        path.chmod(0o755)
    return build.repository / "tiny" / "1" / "model.plan"


@pytest.mark.parametrize("damage", [lambda plan: plan[:-9], lambda plan: plan[:-1] + bytes([plan[-1] ^ 1])])
def test_a_published_plan_that_was_cut_or_changed_is_refused(
    build: Builder, tiny_classifier: Tiny, damage: Callable[[bytes], bytes]
) -> None:
    plan = published_writable(build, tiny_classifier())
    plan.write_bytes(damage(plan.read_bytes()))
    with pytest.raises(RepositoryError, match=r"tiny/1/model\.plan has sha256 \w{64}, the manifest says \w{64}"):
        verified_manifest(build.repository)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"version": (10, 6, 0)},
            r"of TensorRT 10\.13\.3 on NVIDIA-H800, but this is TensorRT 10\.6\.0 on NVIDIA-H800",
        ),
        (
            {"gpu": replace(H800, product="NVIDIA-H20")},
            r"TensorRT 10\.13\.3 on NVIDIA-H800, but this is TensorRT 10\.13\.3 on NVIDIA-H20; accepted: a plan",
        ),
    ],
)
def test_a_published_plan_of_another_machine_is_refused_with_both(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny, *, change: dict[str, Any], reason: str
) -> None:
    build(tiny_classifier())
    for name, value in change.items():
        setattr(device, name, value)
    with pytest.raises(DeviceError, match=reason):
        verified_manifest(build.repository)


def test_a_published_plan_is_run_again_when_it_is_verified(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny
) -> None:
    build(tiny_classifier())
    device.offset = {0: 0.2}
    with pytest.raises(
        AnswerError, match=r"does not answer as golden, golden_input_0\.bin: a score differs by .* 0\.005"
    ):
        verified_manifest(build.repository)


@pytest.fixture
def upload(storage: Path, device: OnnxDevice, tiny_classifier: Tiny) -> Path:
    """Return the quick start's upload: a plan that was compiled elsewhere."""
    folder = storage / "uploads" / "tiny"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(
        'platform: "tensorrt_plan"\ninput [ { name: "input" dims: [ 3, 224, 224 ] } ]\n'
        'output [ { name: "output" label_filename: "labels.txt" } ]\n'
    )
    (folder / "labels.txt").write_text("TENCH\nMUG\nCUP\nPOT\n")
    compiled = device.compile(
        tiny_classifier(input_name="input", output_name="output"),
        build_settings(device.version, "fp32", batches=ONE_IMAGE, image_shape=(3, 224, 224), workspace_mib=1),
        timing_cache=b"",
    )
    (folder / "1" / "model.plan").write_bytes(compiled.plan)
    return folder.parent


def prebuilt(upload: Path) -> dict[str, str]:
    return {"kind": "prebuilt", "path": "uploads", "sha256": tree_sha256(file_digests(upload))}


def test_a_prebuilt_plan_is_run_for_its_golden_scores(build: Builder, upload: Path) -> None:
    manifest = build(b"", source=prebuilt(upload))
    assert int(np.argmax(scores_of(manifest))) == 1
    record = record_of(manifest)
    assert (record.machine.gpu, record.compilation) == (H800, None)
    assert verified_manifest(build.repository) == manifest


def test_a_prebuilt_plan_in_half_precision_may_be_of_an_older_tensorrt(
    build: Builder, device: OnnxDevice, upload: Path
) -> None:
    plan = upload / "tiny" / "1" / "model.plan"
    plan.write_bytes(plan.read_bytes().replace(b"10.13.3", b"8.6.1", 1))
    device.version = (8, 6, 1)
    assert scores_of(build(b"", source=prebuilt(upload), precision="fp16"))


def test_a_prebuilt_plan_that_cannot_be_found_is_served_without_golden_scores(build: Builder, upload: Path) -> None:
    (upload / "tiny" / "1" / "model.plan").rename(upload / "tiny" / "1" / "other.plan")
    assert build(b"", source=prebuilt(upload)).golden.pictures[0].scores is None


def test_a_prebuilt_plan_of_another_tensorrt_is_refused(build: Builder, device: OnnxDevice, upload: Path) -> None:
    device.version = (11, 2, 1)
    with pytest.raises(PlanError, match="was not compiled here"):
        build(b"", source=prebuilt(upload))
    assert build.nothing_is_published()


def test_without_tensorrt_the_reason_is_said_and_nothing_is_published(
    write_inputs: Callable[..., Path], storage: Path, tiny_classifier: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> OnnxDevice:
        raise DeviceError("there is no NVIDIA driver here")

    monkeypatch.setitem(TARGETS, "tensorrt", TensorRTTarget(none))
    model = tiny_classifier()
    source = {"kind": "onnx", "url": "https://nowhere.invalid/m", "sha256": hashlib.sha256(model).hexdigest()}
    folder = write_inputs(model, target="tensorrt", tensorrt=TENSORRT, source=source)
    with pytest.raises(DeviceError, match="there is no NVIDIA driver here"):
        published_manifest(inputs_from_folder(folder), storage)
    assert list(storage.glob("repositories/*")) == []
