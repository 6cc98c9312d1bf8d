"""Source prebuilt: a Triton model repository that is already on the storage, taken as it is."""

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from tritonclient.grpc import model_config_pb2

from contract.errors import LabelsError
from contract.expectation import Expectation
from contract.labels import labels_from_bytes
from contract.served import CONFIG_FILE, INPUT_NAME, MANIFEST_FILE, OUTPUT_NAME, ImageShape, golden_input_file
from model_build.digest import TREE_DIGEST_COMMAND, file_digests, tree_sha256
from model_build.errors import SourceError
from model_build.repository.config import ModelConfig, config_from_text
from model_build.spec import PrebuiltSource, Spec
from model_build.storage import Storage

_IMAGE_RANK: Final = 3
_CHANNELS: Final = (3, 1)
_TYPES: Final = ("TYPE_FP32", "TYPE_INVALID")
"""Triton's names for what the contract has, and for what it finds out by itself."""


def copy_prebuilt(source: PrebuiltSource, storage: Storage, destination: Path, *, pictures: int) -> None:
    """Copy a prebuilt repository and see that the copy is the one that was pinned.

    It is copied, not linked, so that nobody changes a published plan by changing the upload.

    Args:
        source: the folder and its digest.
        storage: has it.
        destination: does not exist yet.
        pictures: how many expected pictures will be written beside.

    Raises:
        SourceError: it is not there, lies outside the storage, or has another digest.
    """
    folder = (storage.root / source.path).resolve()
    if not folder.is_relative_to(storage.root.resolve()):
        raise SourceError(f"source.path {source.path} leads out of the storage, to {folder}")
    if not folder.is_dir():
        raise SourceError(f"{storage.root / source.path} is no folder; accepted: a Triton model repository")
    own = {MANIFEST_FILE, *(golden_input_file(position) for position in range(pictures))}
    for path in file_digests(folder):  # which refuses links
        if path in own:
            raise SourceError(f"{folder / path} is the builder's to write; accepted: a folder without it")
    _copy(folder, destination)
    found = tree_sha256(file_digests(destination))
    if found != source.sha256:
        raise SourceError(
            f"{source.path} has the digest {found}, but the configuration says {source.sha256}; it is what "
            f"this prints in that folder: {TREE_DIGEST_COMMAND}"
        )


def _copy(folder: Path, destination: Path) -> None:
    """Copy a folder; unlike `shutil.copytree` it ends at the first error, which says what the disk lacks."""
    destination.mkdir()
    for path in sorted(folder.rglob("*")):
        target = destination / path.relative_to(folder)
        if path.is_dir():
            target.mkdir()
        else:
            shutil.copyfile(path, target)


@dataclass(frozen=True, kw_only=True)
class PrebuiltModel:
    """What a prebuilt model's configuration says of it.

    Attributes:
        shape: channels, height and width of one image.
        labels: one for each class, or None where the configuration names no labels file.
    """

    shape: ImageShape
    labels: tuple[str, ...] | None


def prebuilt_model(repository: Path, spec: Spec) -> PrebuiltModel:
    """Check a prebuilt model's configuration, read as Triton reads it.

    Raises:
        SourceError: a file is missing or is none, or the model's name, its batch size, its input, its output or an
            expected label is another.
    """
    folder, file = repository / spec.model, f"{spec.model}/{CONFIG_FILE}"
    config = config_from_text(_text(folder / CONFIG_FILE), name=file)
    if config.name not in {"", spec.model}:  # a model without a name has its folder's
        raise SourceError(f"{file} names the model {config.name}; accepted: {spec.model}")
    if config.max_batch_size != spec.max_batch_size:
        raise SourceError(
            f"{file} has max_batch_size {config.max_batch_size}, but the configuration says "
            f"maxBatchSize {spec.max_batch_size}"
        )
    shape = _shape(config, file)
    label_filename = _served_label_filename(config, file)
    if not label_filename:
        labelled = [expected.label for expected in _expected(spec) if expected.label is not None]
        if labelled:
            raise SourceError(
                f"{file} names no label_filename, so no answer can be called {labelled[0]}; accepted: a "
                "label_filename, or no expect.label"
            )
        return PrebuiltModel(shape=shape, labels=None)
    try:
        labels = labels_from_bytes((folder / label_filename).read_bytes(), name=f"{spec.model}/{label_filename}")
    except OSError as error:
        raise SourceError(f"{spec.model}/{label_filename}: {error.strerror}; a prebuilt model needs it") from error
    except LabelsError as error:
        raise SourceError(str(error)) from error
    for expected in _expected(spec):
        _check_expected_label(labels, expected, name=f"{spec.model}/{label_filename}")
    return PrebuiltModel(shape=shape, labels=labels)


def _expected(spec: Spec) -> list[Expectation]:
    return [picture.expectation for picture in spec.expect]


def _shape(config: ModelConfig, file: str) -> ImageShape:
    """Return the image that the contract's input takes."""
    names = [tensor.name for tensor in config.input]
    if names != [INPUT_NAME]:
        raise SourceError(f"{file} has the inputs {', '.join(names) or 'none'}; accepted: one, named {INPUT_NAME}")
    _check_type(config.input[0], file)
    dims = list(config.input[0].dims)
    if len(dims) != _IMAGE_RANK or dims[0] not in _CHANNELS or min(dims) < 1:
        raise SourceError(f"{file} has an input of dims {dims}; accepted: [3 or 1, height, width]")
    return dims[0], dims[1], dims[2]


def _served_label_filename(config: ModelConfig, file: str) -> str:
    """Return the labels file of the output that is asked for; empty where it has none, or Triton finds it out."""
    outputs = {output.name: output for output in config.output}
    if outputs and OUTPUT_NAME not in outputs:
        raise SourceError(f"{file} has the outputs {', '.join(outputs)}; accepted: one of them named {OUTPUT_NAME}")
    if not outputs:
        return ""
    _check_type(outputs[OUTPUT_NAME], file)
    label_filename: str = outputs[OUTPUT_NAME].label_filename
    path = PurePosixPath(label_filename)
    if path.is_absolute() or ".." in path.parts:
        raise SourceError(f"{file} has the label_filename {label_filename}; accepted: a file in the model's own folder")
    return label_filename


def _check_type(tensor: Any, file: str) -> None:
    """See that a tensor of the configuration, `ModelInput` or `ModelOutput`, is float32, or left to Triton."""
    found = model_config_pb2.DataType.Name(tensor.data_type)
    if found not in _TYPES:
        raise SourceError(f"{file} has {tensor.name} of {found}; accepted: {_TYPES[0]}")


def _check_expected_label(labels: tuple[str, ...], expect: Expectation, *, name: str) -> None:
    if expect.class_index >= len(labels):
        raise SourceError(f"{name} names {len(labels)} classes, but expect.class is {expect.class_index}")
    served = labels[expect.class_index]
    if expect.label not in {None, served}:
        raise SourceError(f"{name} calls class {expect.class_index} {served}; the configuration expects {expect.label}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{path.parent.name}/{path.name}: {error.strerror}; a prebuilt model needs it") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path.parent.name}/{path.name} is not UTF-8 text: {error}") from error
