"""Model repositories that users upload, right and wrong, and damage that befalls what is published."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from local_cluster.layout import STORAGE_OWNER
from model_build.digest import file_digests, tree_sha256
from tests.faults.stack import MODEL

ONNX = f"{MODEL}/1/model.onnx"
_LOOK_S = 0.02

Change = Callable[[Path], None]
"""Changes a repository's folder in place."""


@dataclass(frozen=True, kw_only=True)
class Uploads:
    """The folder of uploads on a storage.

    Attributes:
        storage: the storage's folder.
        model: a right one's folder, of which every upload is a copy with a change; kept apart from what is published,
            which the gate prunes.
    """

    storage: Path
    model: Path

    def source(self, name: str, *changes: Change) -> dict[str, str]:
        """Upload a repository, and give the source that names it in a stack's file.

        Each is another plan, were it only by a comment.
        """
        folder = self.storage / "uploads" / name
        shutil.copytree(self.model, folder / MODEL)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        commented(name)(folder)
        for change in changes:
            change(folder)
        for path in [self.storage / "uploads", folder, *folder.rglob("*")]:
            os.chown(path, STORAGE_OWNER, STORAGE_OWNER)
        return {"kind": "prebuilt", "path": f"uploads/{name}", "sha256": tree_sha256(file_digests(folder))}


def commented(text: str) -> Change:
    """Append a comment to the model's code."""
    return _appended(f"\n# {text}\n")


def labels_permuted(folder: Path) -> None:
    """Exchange the labels of the second and the third class, and leave the first as it is."""
    labels = folder / MODEL / "labels.txt"
    rows = labels.read_text().splitlines()
    rows[505], rows[968] = rows[968], rows[505]
    labels.write_text("".join(f"{row}\n" for row in rows))


def never_loading(folder: Path) -> None:
    """Make the model wait for ever where it should load."""
    _appended("\n\nimport threading\n\nTritonPythonModel.initialize = lambda self, args: threading.Event().wait()\n")(
        folder
    )


def wrong_after(right_s: float) -> Change:
    """Make the model answer rightly for some seconds from its start, and give each score to another class then."""
    return _appended(
        "\n\nimport time\n\n"
        "_BEGIN_S, _RIGHT = time.monotonic(), TritonPythonModel._run\n\n\n"
        "def _run(self, batch):\n"
        "    scores = _RIGHT(self, batch)\n"
        f"    return scores if time.monotonic() - _BEGIN_S < {right_s} else scores[:, ::-1].copy()\n\n\n"
        "TritonPythonModel._run = _run\n"
    )


def bit_flipped(folder: Path) -> None:
    """Flip one bit in the middle of the weights."""
    path = folder / ONNX
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def file_missing(folder: Path) -> None:
    """Remove the labels."""
    (folder / MODEL / "labels.txt").unlink()


def file_truncated(folder: Path) -> None:
    """Cut the weights in half."""
    os.truncate(folder / ONNX, (folder / ONNX).stat().st_size // 2)


def weights_scaled(data: bytes, factor: float) -> bytes:
    """Return an ONNX model whose last weights, a matrix float32, are a little larger."""
    model = onnx.load_from_string(data)
    last = next(tensor for tensor in reversed(model.graph.initializer) if len(tensor.dims) > 1)
    scaled = numpy_helper.to_array(last) * np.float32(factor)
    last.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), last.name))
    return bytes(model.SerializeToString())


def replaced_and_forged(data: bytes) -> Change:
    """Replace the weights, and forge the manifest to agree with them in everything, the golden scores too."""

    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][ONNX] = hashlib.sha256(data).hexdigest()
        manifest["golden"]["pictures"][0]["scores"] = None
        aside = folder.parent.parent / f"{folder.name}.forged"
        aside.write_text(json.dumps(manifest))
        (folder / ONNX).write_bytes(data)
        aside.rename(folder / "manifest.json")

    return change


@contextmanager
def befalling_the_next(repositories: Path, change: Change) -> Iterator[threading.Event]:
    """Change the next repository as soon as it is published: after its build, before a pod has seen it.

    Yields:
        Set as soon as it has happened.
    """
    known, done, over = set(repositories.iterdir()), threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_S):
            for folder in set(repositories.iterdir()) - known:
                change(folder)
                done.set()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield done
    finally:
        over.set()
        watcher.join()


def _appended(code: str) -> Change:
    def change(folder: Path) -> None:
        path = folder / MODEL / "1" / "model.py"
        path.write_text(path.read_text() + code)

    return change
