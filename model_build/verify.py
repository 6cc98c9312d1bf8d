"""Verifies a repository: its files against the manifest, its scores against the golden ones."""

from pathlib import Path

import numpy as np

from contract.comparison import disagreement
from contract.errors import ManifestError
from contract.expectation import reasons_against
from contract.manifest import GoldenPicture, Manifest, manifest_from_json
from contract.served import MANIFEST_FILE, MODEL_VERSION, ImageShape
from model_build.digest import file_digests
from model_build.errors import AnswerError, RepositoryError
from model_build.repository import Target, target_named
from model_build.scoring import Tensor
from model_build.tensorrt.record import record_from_document


def verified_manifest(repository: Path) -> Manifest:
    """Verify a repository and return its manifest: its files, then its machine, then its scores.

    Raises:
        RepositoryError: a file is missing, extra or changed.
        DeviceError: the plan is tied to another machine than this.
        AnswerError: the model's scores are not the golden ones.
    """
    manifest = manifest_of_files(repository)
    target = target_named(manifest.target, precision=manifest.precision)
    target.refuse_foreign(None if manifest.tensorrt is None else record_from_document(manifest.tensorrt))
    for picture in manifest.golden.pictures:
        if picture.scores is not None:
            _check_scores(repository, manifest, picture, target)
    return manifest


def manifest_of_files(repository: Path) -> Manifest:
    """Verify a repository's files alone, which needs no GPU, and return its manifest.

    Raises:
        RepositoryError: a file is missing, extra or changed.
    """
    manifest = manifest_from_repository(repository)
    try:
        _check_files(repository, manifest)
    except OSError as error:
        raise RepositoryError(f"{error.filename}: {error.strerror}") from error
    return manifest


def manifest_from_repository(repository: Path) -> Manifest:
    """Read a repository's manifest.

    Raises:
        RepositoryError: there is none, or it is not of the schema that this builder writes.
    """
    path = repository / MANIFEST_FILE
    try:
        return manifest_from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RepositoryError(f"{path}: {error.strerror}; accepted: a published repository") from error
    except (ManifestError, UnicodeDecodeError) as error:
        raise RepositoryError(f"{path}: {error}") from error


def golden_input_from_file(path: Path, shape: ImageShape) -> Tensor:
    """Read an expected picture's tensor, float32 (C,H,W)."""
    data = np.fromfile(path, dtype="<f4")
    if data.size != np.prod(shape):
        raise RepositoryError(f"{path} holds {data.size} numbers, not {shape}")
    return data.reshape(shape)


def _check_files(repository: Path, manifest: Manifest) -> None:
    found = file_digests(repository)
    found.pop(MANIFEST_FILE)
    faults = [
        *(f"{path} is missing" for path in sorted(manifest.files.keys() - found.keys())),
        *(f"{path} is not in the manifest" for path in sorted(found.keys() - manifest.files.keys())),
        *(
            f"{path} has sha256 {found[path]}, the manifest says {manifest.files[path]}"
            for path in sorted(found.keys() & manifest.files.keys())
            if found[path] != manifest.files[path]
        ),
    ]
    if faults:
        raise RepositoryError(f"{repository} is not what its manifest says: {'; '.join(faults)}")


def _check_scores(repository: Path, manifest: Manifest, picture: GoldenPicture, target: Target) -> None:
    golden = manifest.golden
    image = golden_input_from_file(repository / picture.input_file, manifest.shape)
    scores = target.scores(repository / manifest.model / MODEL_VERSION, image).tolist()
    if wrong := disagreement(scores, picture.scores or (), scale=golden.scale, tolerance=golden.tolerance):
        raise AnswerError(f"{repository} does not answer as golden, {picture.input_file}: {wrong}")
    for reason in reasons_against(scores, picture.expectation):
        raise AnswerError(f"{repository} does not answer as expected, {picture.input_file}: {reason}")
