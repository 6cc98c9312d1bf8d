import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from model_build.build import published_manifest
from model_build.digest import file_digests, tree_sha256
from model_build.errors import ModelBuildError
from model_build.inputs import inputs_from_folder
from model_build.manifest import Manifest
from model_build.verify import verified_manifest

Tiny = Callable[..., bytes]
Write = Callable[..., Path]

CONFIG = 'name: "tiny"\nbackend: "tensorrt"\noutput [ { name: "output" label_filename: "names.txt" } ]\n'


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
def build(write_inputs: Write, storage: Path, upload: Path) -> Callable[..., Manifest]:
    """Build from the upload as it lies there now."""

    def run(*, path: str = "uploads/one", sha256: str | None = None, **changes: Any) -> Manifest:
        digest = sha256 or tree_sha256(file_digests(upload))
        source = {"kind": "prebuilt", "path": path, "sha256": digest}
        return published_manifest(inputs_from_folder(write_inputs(b"", source=source, **changes)), storage)

    return run


def published(storage: Path) -> list[Path]:
    return list((storage / "repositories").glob("*"))


def test_an_upload_is_published_as_it_is(build: Callable[..., Manifest], storage: Path, upload: Path) -> None:
    manifest = build()
    (repository,) = published(storage)
    assert verified_manifest(repository) == manifest
    assert {path: digest for path, digest in manifest.files.items() if path != "golden_input.bin"} == (
        file_digests(upload)
    )
    assert manifest.source.kind == "prebuilt"
    assert manifest.source.sha256 == tree_sha256(file_digests(upload))
    assert (manifest.golden.scores, manifest.reference) == (None, None)
    assert (manifest.golden.class_index, manifest.golden.label) == (1, "MUG")


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
    model = tiny_classifier(image="input", scores="output")
    (upload / "tiny" / "1" / "model.onnx").write_bytes(model)
    golden = build().golden
    assert golden.scores is not None
    assert golden.scores.index(max(golden.scores)) == 1


def test_an_onnx_model_that_answers_wrongly_is_refused(
    build: Callable[..., Manifest], storage: Path, upload: Path, tiny_classifier: Tiny
) -> None:
    model = onnx.load_model_from_string(tiny_classifier(image="input", scores="output"))
    model.graph.initializer[0].raw_data = bytes(4 * 4 * 3)
    (upload / "tiny" / "1" / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelBuildError, match=r"must be \(1\) = MUG, but the model answers .*TENCH"):
        build()
    assert published(storage) == []


def test_an_onnx_model_of_another_contract_is_served_without_golden_scores(
    build: Callable[..., Manifest], upload: Path, tiny_classifier: Tiny
) -> None:
    (upload / "tiny" / "1" / "model.onnx").write_bytes(tiny_classifier())
    assert build().golden.scores is None


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


@pytest.mark.parametrize("name", ["manifest.json", "golden_input.bin"])
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


def test_too_few_labels_are_refused(build: Callable[..., Manifest], upload: Path) -> None:
    (upload / "tiny" / "names.txt").write_text("TENCH\n")
    with pytest.raises(ModelBuildError, match=r"names\.txt names 1 classes, but expect\.class is 1"):
        build(expect={"class": 1})


def test_without_labels_no_label_can_be_expected(build: Callable[..., Manifest], upload: Path) -> None:
    change(upload, 'label_filename: "names.txt"', "")
    with pytest.raises(ModelBuildError, match="names no label_filename"):
        build()
    assert build(expect={"class": 1}).golden.label == "MUG"


WRITTEN = {
    "the name is the folder's": 'backend: "tensorrt" output { name: "output" label_filename: "names.txt" }',
    "indented, in another order": ' output [ { label_filename: "names.txt"\nname: "output" } ]\n\tname: "tiny"\n',
    "a comment names another": 'output { # label_filename: "old.txt"\n label_filename: "names.txt" } # name: "other"',
    "single quotes": "name: 'tiny' output { name: 'output' label_filename: 'names.txt' }",
    "without a colon, with commas": "name: 'tiny', output: [ { name: 'output', label_filename: 'names' '.txt' } ]",
    "another output has labels too": (
        'output [ { name: "features" label_filename: "old.txt" }, { name: "output" label_filename: "names.txt" } ]'
    ),
}


@pytest.mark.parametrize("config", WRITTEN.values(), ids=WRITTEN)
def test_the_configuration_is_read_as_triton_reads_it(
    build: Callable[..., Manifest], upload: Path, config: str
) -> None:
    (upload / "tiny" / "config.pbtxt").write_text(config)
    assert build().golden.label == "MUG"
    (upload / "tiny" / "names.txt").write_text("MUG\nTENCH\nCUP\nPOT\n")
    with pytest.raises(ModelBuildError, match=r"names\.txt calls class 1 TENCH"):
        build(planId="f" * 16)


def test_a_user_s_own_configuration_is_taken(build: Callable[..., Manifest], upload: Path, shared_models: Path) -> None:
    config = (shared_models.parent / "cases" / "config.pbtxt").read_text()
    (upload / "tiny" / "config.pbtxt").write_text(config)
    (upload / "tiny" / "names.txt").rename(upload / "tiny" / "labels.txt")
    assert build().golden.label == "MUG"


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
            'output [ { name: "one" }, { name: "two" } ]',
            r"^tiny/config\.pbtxt has the outputs one, two; accepted: one output, or one of them named output$",
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
