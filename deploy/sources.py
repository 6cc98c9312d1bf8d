"""Staging a model that lies on the user's disk: pods can't read that, so it is copied to the storage."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from deploy.errors import DeployError
from infra.config import HostPathStorage, OnnxSource, StackConfig


def stage_source(config: StackConfig) -> None:
    """Copy a `file://` source to `sources/<sha256>` on the embedded cluster's storage, where the plan build looks.

    A pinned plan has been built and needs none.

    Raises:
        DeployError: the file has another digest than the configuration says.
    """
    source = config.model.source
    if not isinstance(source, OnnxSource) or source.local_path is None or config.model.plan is not None:
        return
    if not isinstance(config.storage, HostPathStorage):
        raise DeployError("model.source.url file:// needs storage.kind hostPath; accepted elsewhere: https://")
    path, staged = source.local_path, Path(config.storage.path) / "sources" / source.sha256
    if staged.exists():
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != source.sha256:
        raise DeployError(f"model.source.sha256 is {source.sha256}, but {path} has {digest}; correct one of them")
    _publish(path, staged)


def _publish(path: Path, staged: Path) -> None:
    """Copy by one rename, owned as the storage is, so that a killed copy is never taken for the file."""
    storage = staged.parent.parent.stat()
    staged.parent.mkdir(exist_ok=True)
    os.chown(staged.parent, storage.st_uid, storage.st_gid)
    descriptor, scratch = tempfile.mkstemp(dir=staged.parent, prefix=".staging-")
    try:
        os.fchown(descriptor, storage.st_uid, storage.st_gid)
        os.fchmod(descriptor, 0o644)
        with os.fdopen(descriptor, "wb") as target, path.open("rb") as source:
            shutil.copyfileobj(source, target)
        Path(scratch).rename(staged)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
