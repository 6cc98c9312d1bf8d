"""What is known of a model before anything is built: a package's own data, and what a file at hand says of itself."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.digest import sha256_of_file
from contract.fields import Fields
from contract.packages import CLASSES
from infra.config.faults import Fault, shown
from infra.config.groups import is_local
from infra.config.sources import OnnxSource, PackageSource
from infra.errors import InspectionError
from infra.images import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from contract.served import ImageShape
    from infra.config.faults import StackFile

    Inspect = Callable[[OnnxSource, Path], Mapping[str, Any]]
    """Tells what ``python -m model_build inspect`` says of a source's file."""

_LIMIT_S = 120
_COLORS = 3
_RANK = 3
_KEYS = ("url", "output", "imageSize")


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known of a model.

    Attributes:
        shape: channels, height and width of its pictures; None where nobody knows before the build.
        classes: how many scores it gives; None likewise.
        whole_numbers: whether its pictures are uint8, 0 to 255.
    """

    shape: ImageShape | None = None
    classes: int | None = None
    whole_numbers: bool = False


@dataclass(frozen=True, kw_only=True)
class _Refused:
    """What a file cannot be taken for, by the key of the source that would have to say something else."""

    key: str
    found: str
    accepted: str
    value: Any


def facts_from_source(right: Mapping[str, Any], *, file: StackFile, inspect: Inspect) -> tuple[ModelFacts, list[Fault]]:
    """Find out what can be known of a model at preview.

    Args:
        right: values that are right by themselves, by dotted key.
        file: the stack's file, for the edits that mend.
        inspect: looks into a file; asked at most once, and only about one that is there and is going to be built from.

    Returns:
        The facts, and a fault where the file at hand cannot be served as the source says.
    """
    source, plan = right.get("model.source"), right.get("model.plan")
    if isinstance(source, PackageSource):
        return ModelFacts(shape=(_COLORS, source.model.side, source.model.side), classes=CLASSES), []
    path = source.local_path if isinstance(source, OnnxSource) else None
    if not isinstance(source, OnnxSource) or path is None or plan is not None or not source.is_at_hand:
        return ModelFacts(), []
    if not is_local(right.get("cluster.context", "")):
        return ModelFacts(), []
    other = _other_bytes(source, path, file)
    if other is not None:
        return ModelFacts(), [other]
    try:
        found = _inspected(inspect(source, path))
    except InspectionError as error:
        return ModelFacts(), [_uninspected(error)]
    return (found, []) if isinstance(found, ModelFacts) else (ModelFacts(), [_fault(found, file)])


def _other_bytes(source: OnnxSource, path: Path, file: StackFile) -> Fault | None:
    """A file that cannot be read, or is not the one that the source names."""
    try:
        found = sha256_of_file(path)
    except OSError as error:
        return Fault(
            key="model.source.url",
            found=f"is {shown(source.url)}, which cannot be read: {error.strerror}",
            accepted="a file that this user can read",
            mend=f"chmod a+r {shlex.quote(str(path))}",
        )
    if found == source.sha256:
        return None
    return Fault(
        key="model.source.sha256",
        found=f"is {shown(source.sha256)}, and {path} is another file",
        accepted=f"that file's own, {found}",
        mend=file.setting("model.source.sha256", found),
    )


def inspection_from_file(source: OnnxSource, path: Path) -> Mapping[str, Any]:
    """Have the build look into a file, in a process of its own: the program itself loads no model.

    Args:
        source: says which output, and which size where the model leaves it open.
        path: the file.

    Returns:
        ``shape``, ``classes`` and ``wholeNumbers``, or ``refused``.

    Raises:
        InspectionError: the build's code cannot be run here.
    """
    command = [sys.executable, "-m", "model_build", "inspect", "--onnx", str(path)]
    command += ["--output", source.output] if source.output else []
    command += ["--image-size", *map(str, source.height_and_width)] if source.height_and_width else []
    try:
        done = subprocess.run(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise InspectionError(f"takes more than {_LIMIT_S} s") from None
    except OSError as error:
        raise InspectionError(f"{sys.executable}: {error.strerror}") from None
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode:
        raise InspectionError(said.splitlines()[-1] if said else f"ended with status {done.returncode}")
    try:
        document = json.loads(done.stdout)
    except ValueError:
        raise InspectionError("said nothing that can be read") from None
    return document if isinstance(document, dict) else {}


def _inspected(document: Mapping[str, Any]) -> ModelFacts | _Refused:
    fields = Fields(document)
    refused = fields.optional_group("refused")
    found: ModelFacts | _Refused
    if refused is None:
        shape = fields.counts("shape")
        if len(shape) != _RANK or 0 in shape:
            fields.refuse("shape", list(shape), "[channels, height, width]")
            shape = (_COLORS, 1, 1)
        classes = None if fields.is_null("classes") else fields.count("classes", least=1)
        whole = fields.flag("wholeNumbers")
        found = ModelFacts(shape=(shape[0], shape[1], shape[2]), classes=classes, whole_numbers=whole)
    else:
        found = _Refused(
            key=refused.text("key", accepts=_KEYS.__contains__, accepted=", ".join(_KEYS)),
            found=refused.text("found"),
            accepted=refused.text("accepted"),
            value=refused.raw("value"),
        )
    if fields.faults:
        raise InspectionError(f"said what nobody understands: {'; '.join(fields.faults)}")
    return found


def _fault(refused: _Refused, file: StackFile) -> Fault:
    key = f"model.source.{refused.key}"
    if refused.value is not None:
        mend = file.setting(key, refused.value)
    elif refused.key == "url":
        mend = file.setting(key, "file:///path/to/model.onnx")
    else:
        mend = file.removing(key)
    return Fault(key=key, found=refused.found, accepted=refused.accepted, mend=mend)


def _uninspected(error: InspectionError) -> Fault:
    return Fault(
        key="model.source.url",
        found=f"is a file that cannot be looked into: {error}",
        accepted="a checkout whose .venv has every locked package",
        mend="make venv",
    )
