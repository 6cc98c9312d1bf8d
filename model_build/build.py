"""One build: from the inputs to a published repository, or to the reason why there is none."""

import logging
import platform
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from contract.digest import sha256_of_file
from contract.manifest import Golden, GoldenPicture, Manifest, json_from_manifest
from contract.served import MANIFEST_FILE, golden_input_file
from model_build.assembly import Assembled, assembled_repository
from model_build.digest import file_digests
from model_build.errors import RepositoryError, StorageError
from model_build.inputs import BuildInputs
from model_build.registrations import Registrations
from model_build.storage import Storage, opened_storage
from model_build.tensorrt.record import document_from_record
from model_build.verify import manifest_from_repository, manifest_of_files, verified_manifest

_LOGGER = logging.getLogger(__name__)


def published_manifest(inputs: BuildInputs, root: Path, *, reported: str | None = None) -> Manifest:
    """Give the plan's verified manifest; the plan is built and published where that was not done yet.

    Args:
        inputs: what to build.
        root: the storage's folder.
        reported: SHA-256 of the manifest that an earlier build of the plan has reported: what is published must be
            that one, for whoever can write the storage could have put another in its place.

    Raises:
        ModelBuildError: the reason why nothing was published, or why what is published cannot be trusted.
    """
    plan_id = inputs.spec.plan_id
    with opened_storage(root) as storage:
        Registrations(storage).add(inputs.spec.stack, plan_id)  # before the look at it: no pruning comes between
        published = storage.repository(plan_id)
        if not published.is_dir():
            if inputs.spec.pinned:
                raise StorageError(
                    f"plan {plan_id} is pinned but not published on {root}; accepted: a published plan, or no "
                    "pin, so that it is built"
                )
            if _build(inputs, storage):
                return manifest_from_repository(published)
        _LOGGER.info("plan %s is published already; verifying it", plan_id)
        _refuse_unreported(published, reported)
        # A pinned plan has been run when it was built, and each pod proves its answer: here no GPU is asked for it.
        manifest = manifest_of_files(published) if inputs.spec.pinned else verified_manifest(published)
    if manifest.plan_id != plan_id:
        raise RepositoryError(f"{published} holds plan {manifest.plan_id}, not its own")
    return manifest


def _refuse_unreported(published: Path, reported: str | None) -> None:
    """See that a published plan is the one that was reported before, where one was."""
    found = sha256_of_file(published / MANIFEST_FILE) if (published / MANIFEST_FILE).is_file() else "none"
    if reported not in {None, found}:
        raise RepositoryError(
            f"{published / MANIFEST_FILE} has sha256 {found}, but the build has reported {reported}; accepted: the "
            f"plan as it was reported; remove the ConfigMap plan-{published.name} only where you know who has built it "
            "again"
        )


def _build(inputs: BuildInputs, storage: Storage) -> bool:
    """Build, verify and publish; False where another build of the plan was published meanwhile."""
    plan_id = inputs.spec.plan_id
    with storage.scratch(plan_id) as scratch:
        repository = scratch / plan_id
        assembled = assembled_repository(inputs, storage, repository)
        manifest = json_from_manifest(_manifest(inputs, assembled, repository))
        (repository / MANIFEST_FILE).write_text(manifest, encoding="utf-8")
        verified_manifest(repository)
        published = storage.publish(repository, plan_id)
    if published:
        _LOGGER.info("published plan %s", plan_id)
    return published


def _manifest(inputs: BuildInputs, assembled: Assembled, repository: Path) -> Manifest:
    spec, tensorrt = inputs.spec, assembled.tensorrt
    return Manifest(
        plan_id=spec.plan_id,
        engine_id=spec.engine_id,
        model=spec.model,
        target=spec.target,
        precision=spec.precision,
        max_batch_size=spec.max_batch_size,
        source=assembled.source,
        shape=assembled.shape,
        classes=len(assembled.labels),
        preprocessing=assembled.preprocessing,
        files=file_digests(repository),
        versions=_versions(),
        reference=assembled.reference,
        tensorrt=None if tensorrt is None else document_from_record(tensorrt),
        golden=Golden(
            scale=assembled.scale,
            tolerance=assembled.tolerance,
            pictures=tuple(_golden_picture(inputs, assembled, position) for position in range(len(spec.expect))),
        ),
    )


def _golden_picture(inputs: BuildInputs, assembled: Assembled, position: int) -> GoldenPicture:
    picture = inputs.spec.expect[position]
    expectation = replace(picture.expectation, label=assembled.labels[picture.expectation.class_index])
    scores = None
    if assembled.scores is not None:
        scores = tuple(float(str(score)) for score in assembled.scores[position])
    return GoldenPicture(
        sha256=picture.sha256, input_file=golden_input_file(position), expectation=expectation, scores=scores
    )


def _versions() -> dict[str, str]:
    """Return the versions of what decides a build's result."""
    packages = {package: version(package) for package in ("onnx", "onnxruntime", "numpy", "pillow")}
    return {"python": platform.python_version(), **packages}
