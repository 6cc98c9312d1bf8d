import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from contract.manifest import GoldenPicture, Manifest
from model_build.build import published_manifest
from model_build.digest import file_digests, tree_sha256
from model_build.errors import ModelBuildError
from model_build.inputs import inputs_from_folder
from model_build.verify import verified_manifest
from tests.unit.model_build.conftest import expected

Tiny = Callable[..., bytes]
Write = Callable[..., Path]

INPUT = 'input { name: "input" data_type: TYPE_FP32 dims: [ 3, 224, 224 ] }'
CONFIG = f'name: "tiny"\nbackend: "tensorrt"\n{INPUT}\noutput [ {{ name: "output" label_filename: "names.txt" }} ]\n'


@pytest.fixture
def upload(storage: Path) -> Path:
    """Return the quick start's upload: a model folder whose plan the builder cannot run."""
    folder = storage / "uploads" / "one"
    (folder / "tiny" / "1").mkdir(parents=True)
    (folder / "tiny" / "config.pbtxt").write_text(CONFIG)
    (folder / "tiny" / "names.txt").write_text("TENCH\nMUG\nCUP\nPOT\n")
    (folder / "tiny" / "1" / "model.plan").write_bytes(b"a compiled plan")
    return folder


@pytest.fixture
def green_png(tmp_path: Path) -> bytes:
    """Return a picture that the tiny classifier calls class 2, and lay it beside the build's inputs."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (20, 240, 10)).save(buffer, "PNG")
    folder = tmp_path / "inputs"
    folder.mkdir(exist_ok=True)
    (folder / hashlib.sha256(buffer.getvalue()).hexdigest()).write_bytes(buffer.getvalue())
    return buffer.getvalue()


@pytest.fixture
def build(write_inputs: Write, storage: Path, upload: Path) -> Callable[..., Manifest]:
    """Build from the upload as it lies there now."""

    def run(*, path: str = "uploads/one", sha256: str | None = None, **changes: Any) -> Manifest:
        digest = sha256 or tree_sha256(file_digests(upload))
        source = {"kind": "prebuilt", "path": path, "sha256": digest}
        return published_manifest(inputs_from_folder(write_inputs(b"", source=source, **changes)), storage)

    return run


def golden(manifest: Manifest) -> GoldenPicture:
    (picture,) = manifest.golden.pictures
    return picture


def published(storage: Path) -> list[Path]:
    return list((storage / "repositories").glob("*"))


def test_an_upload_is_published_as_it_is(build: Callable[..., Manifest], storage: Path, upload: Path) -> None:
    manifest = build()
    (repository,) = published(storage)
    assert verified_manifest(repository) == manifest
    assert {path: digest for path, digest in manifest.files.items() if path != "golden_input_0.bin"} == (
        file_digests(upload)
    )
    assert manifest.source.kind == "prebuilt"
    assert manifest.source.sha256 == tree_sha256(file_digests(upload))
    picture = golden(manifest)
    assert (picture.scores, manifest.reference) == (None, None)
    assert (picture.expectation.class_index, picture.expectation.label) == (1, "MUG")
    assert (manifest.shape, manifest.classes) == ((3, 224, 224), 4)


def test_what_is_published_does_not_change_with_the_upload(
    build: Callable[..., Manifest], storage: Path, upload: Path
) -> None:
    build()
    (upload / "tiny" / "1" / "model.plan").write_bytes(b"another plan")
    (repository,) = published(storage)
    verified_manifest(repository)


def test_an_onnx_model_of_the_contract_gets_golden_scores(
    build: Callable[..., Manifest], upload: Path, tiny_classifier: Tiny
) -> None:
    model = tiny_classifier(input_name="input", output_name="output")
    (upload / "tiny" / "1" / "model.onnx").write_bytes(model)
    scores = golden(build()).scores
    assert scores is not None
    assert scores.index(max(scores)) == 1


def test_an_onnx_model_that_answers_wrongly_is_refused(
    build: Callable[..., Manifest], storage: Path, upload: Path, tiny_classifier: Tiny
) -> None:
    model = onnx.load_model_from_string(tiny_classifier(input_name="input", output_name="output"))
    kernel = model.graph.initializer[0]
    kernel.CopyFrom(numpy_helper.from_array(np.zeros(kernel.dims, np.float32), kernel.name))
    (upload / "tiny" / "1" / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelBuildError, match=r"must be \(1\) = MUG, but the model answers .*TENCH"):
        build()
    assert published(storage) == []


def test_an_onnx_model_of_another_contract_is_served_without_golden_scores(
    build: Callable[..., Manifest], upload: Path, tiny_classifier: Tiny
) -> None:
    (upload / "tiny" / "1" / "model.onnx").write_bytes(tiny_classifier())
    assert golden(build()).scores is None


def test_another_digest_is_refused_with_both_and_the_command(
    build: Callable[..., Manifest], storage: Path, upload: Path
) -> None:
    with pytest.raises(ModelBuildError) as raised:
        build(sha256="b" * 64)
    for part in (tree_sha256(file_digests(upload)), "b" * 64, "find . -type f", "sha256sum"):
        assert part in str(raised.value)
    assert published(storage) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [("uploads/two", "is no folder"), ("uploads/one/tiny/names.txt", "is no folder"), ("out", "leads out of")],
)
def test_a_path_that_is_no_folder_of_the_storage_is_refused(
    build: Callable[..., Manifest], storage: Path, tmp_path: Path, path: str, reason: str
) -> None:
    (storage / "out").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(ModelBuildError, match=reason):
        build(path=path)


def test_links_inside_an_upload_are_refused(build: Callable[..., Manifest], upload: Path) -> None:
    digest = hashlib.sha256().hexdigest()
    (upload / "tiny" / "1" / "linked.so").symlink_to("/usr/lib/libm.so")
    with pytest.raises(ModelBuildError, match=r"linked\.so is neither a plain file nor a folder"):
        build(sha256=digest)


def test_a_fifo_inside_an_upload_is_refused(build: Callable[..., Manifest], upload: Path) -> None:
    os.mkfifo(upload / "tiny" / "pipe")
    with pytest.raises(ModelBuildError, match="pipe is neither a plain file nor a folder"):
        build(sha256="b" * 64)


@pytest.mark.parametrize("name", ["manifest.json", "golden_input_0.bin"])
def test_a_file_that_the_builder_writes_is_refused(build: Callable[..., Manifest], upload: Path, name: str) -> None:
    (upload / name).write_text("{}")
    with pytest.raises(ModelBuildError, match=f"{name} is the builder's to write"):
        build()


def change(upload: Path, old: str, new: str) -> None:
    config = upload / "tiny" / "config.pbtxt"
    config.write_text(config.read_text().replace(old, new))


def test_another_name_is_refused(build: Callable[..., Manifest], upload: Path) -> None:
    change(upload, '"tiny"', '"other"')
    with pytest.raises(ModelBuildError, match="names the model other; accepted: tiny"):
        build()


def test_another_batch_size_is_refused(build: Callable[..., Manifest], upload: Path) -> None:
    change(upload, "backend", "max_batch_size: 8\nbackend")
    with pytest.raises(ModelBuildError, match="max_batch_size 8, but the configuration says maxBatchSize 0"):
        build()
    assert build(maxBatchSize=8).max_batch_size == 8


def test_a_missing_configuration_is_refused(build: Callable[..., Manifest], upload: Path) -> None:
    (upload / "tiny" / "config.pbtxt").unlink()
    with pytest.raises(ModelBuildError, match=r"tiny/config\.pbtxt: No such file .* needs it"):
        build()


def test_permuted_labels_are_refused(build: Callable[..., Manifest], upload: Path) -> None:
    (upload / "tiny" / "names.txt").write_text("MUG\nTENCH\nCUP\nPOT\n")
    with pytest.raises(ModelBuildError, match=r"names\.txt calls class 1 TENCH; the configuration expects MUG"):
        build()


def test_too_few_labels_are_refused(build: Callable[..., Manifest], upload: Path, red_png: bytes) -> None:
    (upload / "tiny" / "names.txt").write_text("TENCH\n")
    with pytest.raises(ModelBuildError, match=r"names\.txt names 1 classes, but expect\.class is 1"):
        build(expect=[expected(red_png, label=None)])


def test_without_labels_no_label_can_be_expected(build: Callable[..., Manifest], upload: Path, red_png: bytes) -> None:
    change(upload, 'label_filename: "names.txt"', "")
    with pytest.raises(ModelBuildError, match="names no label_filename"):
        build()
    assert golden(build(expect=[expected(red_png, label=None)])).expectation.label == "MUG"


WRITTEN = {
    "the name is the folder's": f'backend: "tensorrt" {INPUT} output {{ name: "output" label_filename: "names.txt" }}',
    "indented, in another order": (
        f' output [ {{ label_filename: "names.txt"\nname: "output" }} ]\n\tname: "tiny"\n {INPUT}'
    ),
    "comments that look like fields": (
        f'# name: "other"\n{INPUT}\n# input {{ name: "x" }}\n# max_batch_size: 8\n'
        'output { name: "output"\n # label_filename: "old.txt"\n label_filename: "names.txt" } # name: "other"'
    ),
    "single quotes": f"name: 'tiny' output {{ name: 'output' label_filename: 'names.txt' }} {INPUT}",
    "without a colon, with commas": (
        f"name: 'tiny', {INPUT}, output: [ {{ name: 'output', label_filename: 'names' '.txt' }} ]"
    ),
    "the second output is the one": (
        'output [ { name: "features" label_filename: "old.txt" }, { name: "output" label_filename: "names.txt" } ] '
        + INPUT
    ),
    "angle brackets, dims one by one": (
        "name: 'tiny' input < name: 'input' dims: 3 dims: 224 dims: 224 > "
        "output < name: 'output' label_filename: 'names.txt' >"
    ),
}


@pytest.mark.parametrize("config", WRITTEN.values(), ids=WRITTEN)
def test_the_configuration_is_read_as_triton_reads_it(
    build: Callable[..., Manifest], upload: Path, config: str
) -> None:
    (upload / "tiny" / "config.pbtxt").write_text(config)
    manifest = build()
    assert (golden(manifest).expectation.label, manifest.shape) == ("MUG", (3, 224, 224))
    (upload / "tiny" / "names.txt").write_text("MUG\nTENCH\nCUP\nPOT\n")
    with pytest.raises(ModelBuildError, match=r"names\.txt calls class 1 TENCH"):
        build(planId="f" * 16)


def test_a_user_s_own_configuration_is_taken(
    build: Callable[..., Manifest], storage: Path, upload: Path, shared_models: Path
) -> None:
    config = (shared_models.parent / "cases" / "config.pbtxt").read_bytes()
    (upload / "tiny" / "config.pbtxt").write_bytes(config)
    (upload / "tiny" / "names.txt").rename(upload / "tiny" / "labels.txt")
    assert golden(build()).expectation.label == "MUG"
    (repository,) = published(storage)
    assert (repository / "tiny" / "config.pbtxt").read_bytes() == config


@pytest.mark.parametrize(
    ("dims", "preprocessing", "shape"),
    [
        ("1, 28, 28", "inception", (1, 28, 28)),
        ("3, 299, 299", None, (3, 299, 299)),
        ("3, 320, 240", "inception", (3, 320, 240)),
    ],
)
def test_images_are_of_the_declared_dims(
    build: Callable[..., Manifest],
    storage: Path,
    upload: Path,
    *,
    dims: str,
    preprocessing: str | None,
    shape: tuple[int, int, int],
) -> None:
    change(upload, "3, 224, 224", dims)
    manifest = build(preprocessing=preprocessing)
    (repository,) = published(storage)
    assert (manifest.shape, manifest.preprocessing.shape) == (shape, shape)
    assert (repository / "golden_input_0.bin").stat().st_size == 4 * np.prod(shape)


def test_a_preprocessing_that_does_not_fit_the_dims_is_refused(build: Callable[..., Manifest], upload: Path) -> None:
    change(upload, "3, 224, 224", "1, 28, 28")
    with pytest.raises(
        ModelBuildError, match=r"^model\.preprocessing\.mean .*; accepted: a number, .*; the model takes 1x28x28$"
    ):
        build()


@pytest.mark.parametrize(
    "dims", ["224, 224, 3", "1, 3, 224, 224", "150528", "3, -1, -1", "3, 0, 224", "4, 224, 224", ""]
)
def test_dims_that_are_no_image_are_refused(build: Callable[..., Manifest], upload: Path, dims: str) -> None:
    change(upload, "3, 224, 224", dims)
    reason = rf"^tiny/config\.pbtxt has an input of dims \[{dims}\]; accepted: \[3 or 1, height, width\]$"
    with pytest.raises(ModelBuildError, match=reason):
        build()


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        (INPUT.replace('"input"', '"data_0"'), "data_0"),
        (INPUT + INPUT.replace('"input"', '"scale"'), "input, scale"),
        ("", "none"),
        ("# " + INPUT, "none"),
    ],
    ids=["another name", "two", "none", "a comment"],
)
def test_inputs_that_nobody_would_send_are_refused(
    build: Callable[..., Manifest], upload: Path, inputs: str, found: str
) -> None:
    change(upload, INPUT, inputs)
    reason = rf"^tiny/config\.pbtxt has the inputs {found}; accepted: one, named input$"
    with pytest.raises(ModelBuildError, match=reason):
        build()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            'name: "tiny"\nfuture_field: 3\n',
            r'^tiny/config\.pbtxt, line 2, column 1: .* has no field named "future_field"; accepted: a .* without it$',
        ),
        (
            'name: "tiny"\noutput [ { name: "output }',
            r"^tiny/config\.pbtxt, line 2, column 18: .*String missing ending quote.*; accepted: protobuf text, as ",
        ),
        (
            INPUT + 'output [ { name: "one" }, { name: "two" } ]',
            r"^tiny/config\.pbtxt has the outputs one, two; accepted: one of them named output$",
        ),
        (
            INPUT + 'output { name: "fc6_1" label_filename: "names.txt" }',
            r"^tiny/config\.pbtxt has the outputs fc6_1; accepted: one of them named output$",
        ),
        (
            INPUT.replace("FP32", "UINT8"),
            r"^tiny/config\.pbtxt has input of TYPE_UINT8; accepted: TYPE_FP32$",
        ),
        (
            INPUT + 'output { name: "output" data_type: TYPE_FP16 }',
            r"^tiny/config\.pbtxt has output of TYPE_FP16; accepted: TYPE_FP32$",
        ),
        *(
            (
                INPUT + f'output {{ name: "output" label_filename: "{outside}" }}',
                rf"^tiny/config\.pbtxt has the label_filename {outside}; accepted: a file in the model's own folder$",
            )
            for outside in ("/etc/hostname", "../names.txt")
        ),
    ],
)
def test_a_configuration_that_triton_refuses_is_one_line(
    build: Callable[..., Manifest], upload: Path, config: str, reason: str
) -> None:
    (upload / "tiny" / "config.pbtxt").write_text(config)
    with pytest.raises(ModelBuildError, match=reason) as raised:
        build()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("prefix", "encoding", "end"), [("\ufeff", "utf-8", "\n"), ("\ufeff", "utf-16-le", "\r\n"), ("", "utf-8", "\r")]
)
def test_labels_are_read_as_every_editor_writes_them(
    build: Callable[..., Manifest], upload: Path, red_png: bytes, *, prefix: str, encoding: str, end: str
) -> None:
    text = prefix + "".join(label + end for label in ("TENCH", "MUG", "CUP", "POT"))
    (upload / "tiny" / "names.txt").write_bytes(text.encode(encoding))
    assert golden(build(expect=[expected(red_png, **{"class": 0, "label": "TENCH"})])).expectation.label == "TENCH"


def test_labels_that_are_no_text_are_refused(build: Callable[..., Manifest], upload: Path) -> None:
    (upload / "tiny" / "names.txt").write_bytes(b"TENCH\n\xff\n")
    with pytest.raises(ModelBuildError, match=r"^tiny/names\.txt is not UTF-8 text, at byte 6; accepted: "):
        build()


def test_every_expected_picture_is_asked_about(
    build: Callable[..., Manifest], upload: Path, red_png: bytes, green_png: bytes, tiny_classifier: Tiny
) -> None:
    model = tiny_classifier(input_name="input", output_name="output")
    (upload / "tiny" / "1" / "model.onnx").write_bytes(model)
    cup = expected(green_png, **{"class": 2, "label": "CUP"})
    manifest = build(expect=[expected(red_png), cup])
    scores = [picture.scores or () for picture in manifest.golden.pictures]
    assert [row.index(max(row)) for row in scores] == [1, 2]
    assert {"golden_input_0.bin", "golden_input_1.bin"} <= manifest.files.keys()

    with pytest.raises(ModelBuildError, match=r"must be \(1\) = MUG, but the model answers .* \(2\) = CUP"):
        build(planId="f" * 16, expect=[expected(red_png), expected(green_png)])
    (upload / "tiny" / "names.txt").write_text("TENCH\nMUG\nMUG\nPOT\n")
    with pytest.raises(ModelBuildError, match=r"names\.txt calls class 2 MUG; the configuration expects CUP"):
        build(planId="f" * 16, expect=[expected(red_png), cup])


def test_a_file_that_the_builder_writes_for_another_picture_is_refused(
    build: Callable[..., Manifest], upload: Path, red_png: bytes, green_png: bytes
) -> None:
    (upload / "golden_input_1.bin").write_text("{}")
    with pytest.raises(ModelBuildError, match=r"golden_input_1\.bin is the builder's to write"):
        build(expect=[expected(red_png), expected(green_png)])
