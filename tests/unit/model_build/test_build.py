import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper
from PIL import Image

from contract.digest import sha256_of_file
from contract.manifest import json_from_manifest
from model_build.build import published_manifest
from model_build.errors import AnswerError, InputsError, ModelBuildError, RepositoryError, StorageError
from model_build.inputs import inputs_from_folder
from model_build.verify import manifest_from_repository, verified_manifest
from tests.classifiers import convolutional_classifier
from tests.unit.model_build.conftest import expected

Tiny = Callable[..., bytes]
Write = Callable[..., Path]
PLAN = "0123456789abcdef"


def published(storage: Path) -> list[str]:
    return sorted(path.name for path in (storage / "repositories").glob("*"))


def test_a_build_publishes_a_verified_repository(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    manifest = published_manifest(inputs_from_folder(write_inputs(tiny_classifier())), storage)
    repository = storage / "repositories" / PLAN
    assert verified_manifest(repository) == manifest
    assert sorted(manifest.files) == [
        "golden_input_0.bin",
        "tiny/1/model.onnx",
        "tiny/1/model.py",
        "tiny/config.pbtxt",
        "tiny/labels.txt",
    ]
    assert (manifest.plan_id, manifest.model, manifest.classes) == (PLAN, "tiny", 4)
    (picture,) = manifest.golden.pictures
    assert (picture.expectation.class_index, picture.expectation.label) == (1, "MUG")
    assert picture.scores is not None
    assert picture.scores.index(max(picture.scores)) == 1
    assert manifest.golden.scale == "logits"
    assert manifest.reference is not None
    assert list((storage / "scratch").iterdir()) == [storage / "scratch" / ".lock"]


def test_a_published_plan_is_verified_and_not_built_again(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path
) -> None:
    inputs = inputs_from_folder(write_inputs(tiny_classifier()))
    first = published_manifest(inputs, storage)
    written_ns = (storage / "repositories" / PLAN / "manifest.json").stat().st_mtime_ns
    for source in (storage / "downloads").iterdir():
        source.unlink()
    assert published_manifest(inputs, storage) == first
    assert (storage / "repositories" / PLAN / "manifest.json").stat().st_mtime_ns == written_ns


def test_a_published_plan_that_was_changed_is_refused_and_left(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path
) -> None:
    inputs = inputs_from_folder(write_inputs(tiny_classifier()))
    published_manifest(inputs, storage)
    labels = storage / "repositories" / PLAN / "tiny" / "labels.txt"
    labels.chmod(0o644)
    labels.write_text("MUG\nTENCH\nCUP\nPOT\n")
    with pytest.raises(RepositoryError, match=r"tiny/labels\.txt has sha256"):
        published_manifest(inputs, storage)
    assert published(storage) == [PLAN]


def test_a_published_plan_must_be_the_one_that_was_reported(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path
) -> None:
    """Who can write the storage can forge file, manifest and golden together, and not the report."""
    inputs = inputs_from_folder(write_inputs(tiny_classifier()))
    manifest = published_manifest(inputs, storage)
    reported = hashlib.sha256(json_from_manifest(manifest).encode()).hexdigest()
    assert published_manifest(inputs, storage, reported=reported) == manifest

    repository = storage / "repositories" / PLAN
    (repository / "tiny" / "labels.txt").chmod(0o644)
    (repository / "tiny" / "labels.txt").write_text("TENCH\nMUG\nPOT\nCUP\n")
    files = {**manifest.files, "tiny/labels.txt": sha256_of_file(repository / "tiny" / "labels.txt")}
    forged = replace(manifest, files=files)
    (repository / "manifest.json").chmod(0o644)
    (repository / "manifest.json").write_text(json_from_manifest(forged))
    assert verified_manifest(repository) == forged
    with pytest.raises(RepositoryError, match=f"but the build has reported {reported}; accepted: the plan as it was"):
        published_manifest(inputs, storage, reported=reported)


def test_a_plan_that_is_gone_is_built_again_whatever_was_reported(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path
) -> None:
    inputs = inputs_from_folder(write_inputs(tiny_classifier()))
    assert published_manifest(inputs, storage, reported="0" * 64).plan_id == PLAN


def test_ten_builds_give_the_same_manifest(tiny_classifier: Tiny, write_inputs: Write, tmp_path: Path) -> None:
    inputs = inputs_from_folder(write_inputs(tiny_classifier()))
    manifests = []
    for number in range(10):
        storage = tmp_path / f"storage-{number}"
        storage.mkdir()
        published_manifest(inputs, storage)
        manifests.append((storage / "repositories" / PLAN / "manifest.json").read_bytes())
    assert len(set(manifests)) == 1


def test_a_pinned_plan_must_be_published(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    data = tiny_classifier()
    with pytest.raises(StorageError, match=f"plan {PLAN} is pinned but not published"):
        published_manifest(inputs_from_folder(write_inputs(data, pinned=True)), storage)
    assert not (storage / "repositories").exists()
    built = published_manifest(inputs_from_folder(write_inputs(data)), storage)
    assert published_manifest(inputs_from_folder(write_inputs(data, pinned=True)), storage) == built


def test_a_stack_names_its_plan_before_it_is_looked_for(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path
) -> None:
    """A pinned plan that is missing, a build and a pinned run: each has noted its plan, whatever came of it."""
    data = tiny_classifier()
    with pytest.raises(StorageError):
        published_manifest(inputs_from_folder(write_inputs(data, stack="missing", pinned=True)), storage)
    published_manifest(inputs_from_folder(write_inputs(data, stack="builds")), storage)
    published_manifest(inputs_from_folder(write_inputs(data, stack="pins", pinned=True)), storage)
    named = {path.name: json.loads(path.read_text()) for path in (storage / "stacks").glob("*.json")}
    assert named == {"missing.json": [PLAN], "builds.json": [PLAN], "pins.json": [PLAN]}


def test_a_folder_that_holds_another_plan_is_refused(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    inputs = inputs_from_folder(write_inputs(tiny_classifier()))
    published_manifest(inputs, storage)
    (storage / "repositories" / PLAN).rename(storage / "repositories" / ("f" * 16))
    other = inputs_from_folder(write_inputs(tiny_classifier(), planId="f" * 16))
    with pytest.raises(RepositoryError, match=f"holds plan {PLAN}, not its own"):
        published_manifest(other, storage)


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"labels": ("MUG", "TENCH", "CUP", "POT")}, AnswerError, r"must be \(1\) = MUG, but .* \(1\) = TENCH"),
        ({"labels": ("TENCH", "MUG")}, InputsError, "has 4 classes, but the labels file has 2 lines"),
        ({"target": "torch"}, ModelBuildError, "target torch is unknown; accepted: onnxruntime, tensorrt"),
        ({"precision": "fp16"}, ModelBuildError, "onnxruntime is not built in precision fp16; accepted: fp32"),
    ],
)
def test_what_must_not_be_served_is_not_published(
    tiny_classifier: Tiny,
    write_inputs: Write,
    storage: Path,
    *,
    changes: dict[str, object],
    error: type[ModelBuildError],
    reason: str,
) -> None:
    folder = write_inputs(tiny_classifier(), **changes)
    with pytest.raises(error, match=reason):
        published_manifest(inputs_from_folder(folder), storage)
    assert published(storage) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"class": 2, "label": "CUP"}, r"must be \(2\) = CUP, but the model answers .* \(1\) = MUG"),
        ({"top": [1, 2]}, r"must be \(1\) = MUG, but .*; top: classes \[1, \d\], expected \[1, 2\]"),
        ({"margin": 1000}, r"margin: class 1 leads class \d by .*, expected 1000 or more"),
    ],
)
def test_another_answer_than_is_expected_is_not_published(
    tiny_classifier: Tiny, write_inputs: Write, red_png: bytes, storage: Path, *, change: dict[str, object], reason: str
) -> None:
    folder = write_inputs(tiny_classifier(), expect=[expected(red_png, **change)])
    with pytest.raises(AnswerError, match=reason):
        published_manifest(inputs_from_folder(folder), storage)
    assert published(storage) == []


def test_every_expected_picture_is_asked_about(
    tiny_classifier: Tiny, write_inputs: Write, red_png: bytes, storage: Path
) -> None:
    green = plain_png((20, 240, 10))
    cup = {"class": 2, "label": "CUP"}
    folder = write_inputs(tiny_classifier(), expect=[expected(red_png), expected(green, **cup)])
    (folder / hashlib.sha256(green).hexdigest()).write_bytes(green)
    manifest = published_manifest(inputs_from_folder(folder), storage)
    tops = [picture.scores.index(max(picture.scores)) for picture in manifest.golden.pictures if picture.scores]
    assert tops == [1, 2]
    assert {"golden_input_0.bin", "golden_input_1.bin"} <= manifest.files.keys()

    folder = write_inputs(tiny_classifier(), planId="f" * 16, expect=[expected(red_png), expected(green)])
    with pytest.raises(AnswerError, match=r"must be \(1\) = MUG, but the model answers .* \(2\) = CUP"):
        published_manifest(inputs_from_folder(folder), storage)


@pytest.mark.parametrize(
    ("model", "changes", "shape", "scale"),
    [
        ({"side": 299}, {}, (3, 299, 299), "logits"),
        ({"side": (320, 240), "channels_last": True}, {}, (3, 320, 240), "logits"),
        ({"dtype": TensorProto.UINT8}, {}, (3, 224, 224), "logits"),
        ({"scores": "probabilities"}, {"preprocessing": "inception"}, (3, 224, 224), "probabilities"),
        ({}, {"preprocessing": "caffe", "expect_class": 3, "label": "POT"}, (3, 224, 224), "logits"),
    ],
    ids=str,
)
def test_any_classifier_is_published(
    tiny_classifier: Tiny,
    write_inputs: Write,
    red_png: bytes,
    storage: Path,
    *,
    model: dict[str, Any],
    changes: dict[str, Any],
    shape: tuple[int, int, int],
    scale: str,
) -> None:
    """A model that is shown blue first calls red blue."""
    answer = {"class": changes.pop("expect_class", 1), "label": changes.pop("label", "MUG")}
    folder = write_inputs(tiny_classifier(**model), maxBatchSize=4, expect=[expected(red_png, **answer)], **changes)
    manifest = published_manifest(inputs_from_folder(folder), storage)
    assert (manifest.shape, manifest.golden.scale) == (shape, scale)
    assert verified_manifest(storage / "repositories" / PLAN) == manifest


def test_a_two_class_model_of_one_channel_is_published(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path
) -> None:
    """Both pictures are of one class, which is what this stack expects."""
    white, light = plain_png((255, 255, 255)), plain_png((230, 235, 240))
    bright = {"class": 1, "label": "BRIGHT"}
    folder = write_inputs(
        tiny_classifier(side=28, channels=1, classes=2, scores="probabilities"),
        labels=("DARK", "BRIGHT"),
        image=white,
        preprocessing="inception",
        expect=[expected(white, **bright), expected(light, **bright)],
    )
    (folder / hashlib.sha256(light).hexdigest()).write_bytes(light)
    manifest = published_manifest(inputs_from_folder(folder), storage)
    assert (manifest.shape, manifest.classes, manifest.golden.scale) == ((1, 28, 28), 2, "probabilities")


@pytest.mark.parametrize(
    ("model", "preprocessing", "reason"),
    [
        ({}, {"crop": 299}, r"model\.preprocessing\.crop is .*; accepted: \[224, 224\], .*; the model takes 3x224x224"),
        ({"side": 299}, {"resize": 256}, r"model\.preprocessing\.resize is \[256\]; accepted: 299 or more"),
        (
            {"channels": 1, "classes": 2},
            None,
            r"model\.preprocessing\.mean is .*; accepted: a number, for the model has",
        ),
        ({"dtype": TensorProto.UINT8}, "imagenet", "model.preprocessing makes fractions"),
    ],
    ids=str,
)
def test_a_preprocessing_that_does_not_fit_is_refused(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path, *, model: dict[str, Any], preprocessing: Any, reason: str
) -> None:
    labels = ("TENCH", "MUG", "CUP", "POT")[: model.get("classes", 4)]
    folder = write_inputs(tiny_classifier(**model), labels=labels, preprocessing=preprocessing)
    with pytest.raises(InputsError, match=reason):
        published_manifest(inputs_from_folder(folder), storage)


def test_the_named_output_is_served(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    folder = write_inputs(tiny_classifier(auxiliary="logits"))
    spec = json.loads((folder / "spec.json").read_text())
    spec["source"]["output"] = "scores"
    (folder / "spec.json").write_text(json.dumps(spec))
    assert published_manifest(inputs_from_folder(folder), storage).source.output == "scores"


def test_a_model_that_scores_every_class_alike_is_refused(write_inputs: Write, storage: Path) -> None:
    model = onnx.load_model_from_string(convolutional_classifier(classes=4))
    for weights in model.graph.initializer:
        if list(weights.dims)[:1] == [4] or list(weights.dims)[1:] == [4]:
            weights.CopyFrom(numpy_helper.from_array(np.zeros(weights.dims, np.float32), weights.name))
    with pytest.raises(AnswerError, match="scores every class alike"):
        published_manifest(inputs_from_folder(write_inputs(model.SerializeToString())), storage)


def plain_png(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_model_that_answers_nan_is_not_published(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    folder = write_inputs(tiny_classifier(bias=float("nan")))
    with pytest.raises(ModelBuildError, match=r"nan|NaN"):
        published_manifest(inputs_from_folder(folder), storage)
    assert published(storage) == []


def test_a_full_disk_publishes_nothing_and_frees_what_it_took(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = inputs_from_folder(write_inputs(tiny_classifier()))
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "model.onnx":
            write_bytes(path, data[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"is full \(.* MiB free\) and nothing was published"):
        published_manifest(inputs, storage)
    assert published(storage) == []
    assert list((storage / "scratch").iterdir()) == [storage / "scratch" / ".lock"]


_PAUSED_BUILD = """
import sys, time
from pathlib import Path
import model_build.build
from model_build.inputs import inputs_from_folder

def pause(repository):
    print("built", flush=True)
    time.sleep(60)

model_build.build.verified_manifest = pause
model_build.build.published_manifest(inputs_from_folder(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def test_a_killed_build_publishes_nothing_and_the_next_one_clears_up(
    tiny_classifier: Tiny, write_inputs: Write, storage: Path
) -> None:
    folder = write_inputs(tiny_classifier())
    with subprocess.Popen(
        [sys.executable, "-c", _PAUSED_BUILD, str(folder), str(storage)], stdout=subprocess.PIPE
    ) as build:
        assert build.stdout
        assert build.stdout.readline() == b"built\n"
        build.send_signal(signal.SIGKILL)
    assert published(storage) == []
    assert len(list((storage / "scratch").glob(f"{PLAN}.*"))) == 1

    published_manifest(inputs_from_folder(folder), storage)
    assert published(storage) == [PLAN]
    assert list((storage / "scratch").glob(f"{PLAN}.*")) == []


def test_two_builds_at_once_publish_one_plan(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    folder = write_inputs(tiny_classifier())
    command = [
        *(sys.executable, "-m", "model_build", "build"),
        *("--inputs", str(folder), "--storage", str(storage)),
    ]
    builds = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [build.wait(timeout=60) for build in builds] == [0, 0]
    assert manifest_from_repository(storage / "repositories" / PLAN).plan_id == PLAN
    assert published(storage) == [PLAN]


def test_the_real_classifier_is_published_with_the_real_mug_s_scores(
    shared_models: Path, write_inputs: Write, storage: Path
) -> None:
    mug = (shared_models / "mug.jpg").read_bytes()
    folder = write_inputs(
        (shared_models / "squeezenet1.1.onnx").read_bytes(),
        labels=tuple((shared_models / "imagenet_labels.txt").read_text().splitlines()),
        image=mug,
        model="squeezenet",
        maxBatchSize=8,
        expect=[expected(mug, **{"class": 504, "label": "COFFEE MUG", "top": [504, 968, 967], "margin": 2})],
    )
    (picture,) = published_manifest(inputs_from_folder(folder), storage).golden.pictures
    assert picture.scores is not None
    assert [picture.scores[index] for index in (504, 968, 967)] == pytest.approx([27.43, 25.01, 22.94], abs=0.005)
    assert picture.expectation.label == "COFFEE MUG"
