"""Verifies a repository: its files against the manifest, its scores against the golden ones."""

from pathlib import Path

import numpy as np

from model_build.contract import IMAGE_SHAPE, MODEL_VERSION
from model_build.digest import file_digests
from model_build.errors import AnswerError, RepositoryError
from model_build.manifest import GOLDEN_INPUT_FILE, MANIFEST_FILE, Manifest, manifest_from_repository
from model_build.preprocessing import Tensor
from model_build.reference import max_abs_difference
from model_build.repository import Target, target_named


def verified_manifest(repository: Path) -> Manifest:
    """Verify a repository and return its manifest: its files, then its machine, then its scores.

    Raises:
        RepositoryError: a file is missing, extra or changed.
        DeviceError: the plan is tied to another machine than this.
        AnswerError: the model's scores are not the golden ones.
    """
    manifest = manifest_of_files(repository)
    target = target_named(manifest.target, precision=manifest.precision)
    target.refuse_foreign(manifest.tensorrt)
    if manifest.golden.scores is not None:
        _check_scores(repository, manifest, target)
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


def golden_input_from_repository(repository: Path) -> Tensor:
    """Read the expected image's tensor, float32 (3,224,224)."""
    data = np.fromfile(repository / GOLDEN_INPUT_FILE, dtype="<f4")
    if data.size != np.prod(IMAGE_SHAPE):
        raise RepositoryError(f"{repository / GOLDEN_INPUT_FILE} holds {data.size} numbers, not {IMAGE_SHAPE}")
    return data.reshape(IMAGE_SHAPE)


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


def _check_scores(repository: Path, manifest: Manifest, target: Target) -> None:
    golden = np.array(manifest.golden.scores, np.float32)
    image = golden_input_from_repository(repository)
    scores = target.scores(repository / manifest.model / MODEL_VERSION, image)
    if scores.shape != golden.shape:
        raise AnswerError(f"{repository} gives {scores.size} scores, its manifest has {golden.size}")
    difference = max_abs_difference(scores, golden)
    if not difference <= manifest.golden.tolerance:  # so that NaN fails
        raise AnswerError(
            f"{repository}: scores differ from the golden ones by {difference:.4g}; "
            f"accepted: up to {manifest.golden.tolerance}"
        )
    if int(scores.argmax()) != manifest.golden.class_index:
        raise AnswerError(f"{repository} answers class {int(scores.argmax())}; accepted: {manifest.golden.class_index}")
