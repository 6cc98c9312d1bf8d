"""The cluster's own copies of the programs that it runs.

`make tools` builds into the user's cache, which people empty, and PATH may lead anywhere: a running cluster must find
its programs after that, too. What lies in the system's folders is used where it is.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local_cluster import packages, programs
from local_cluster.files import copy_program, make_folder, write_if_changed
from local_cluster.layout import Layout

_OURS_ALONE = ("ctr", "kubectl", "pause")
"""Built programs that only this folder's commands run or read, never the cluster."""

Stamp = list[int]
"""Device, inode, size in bytes and time of change in ns of a file: the same as long as it is the same."""


@dataclass(frozen=True, kw_only=True)
class ProgramCopy:
    """One copy.

    Attributes:
        path: where it lies, under the program's name.
        digest: SHA-256 of its content.
    """

    path: Path
    digest: str


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What is known of a copy, so that nothing is read again: a file with the same stamp has the same content."""

    origin: Stamp
    copy: Stamp
    digest: str


def copy_programs(layout: Layout) -> dict[str, ProgramCopy]:
    """Have a copy of every program that the cluster runs and that lies elsewhere than in the system's folders.

    Returns:
        The copies, each by its original's path as `programs.required` returns it.

    Raises:
        ProgramError: a program is not on PATH.
        WriteError: there is no space for the copy.
    """
    make_folder(layout.programs, mode=0o755)
    known, records = _known(layout), {}
    copies: dict[str, ProgramCopy] = {}
    try:
        for name in (*programs.BUILT, *packages.package_of_program()):
            original = programs.required(name)
            if name in _OURS_ALONE or programs.is_systems(original):
                continue
            target = layout.programs / name
            record = known.get(name)
            if record is None or record.origin != _stamp(Path(original)) or record.copy != _stamp(target):
                opened, digest = copy_program(Path(original), target)
                record = _Record(origin=_stamp_of(opened), copy=_stamp_of(target.stat()), digest=digest)
            records[name] = record
            copies[original] = ProgramCopy(path=target, digest=record.digest)
    finally:  # what was copied before an error need not be again
        write_if_changed(_file(layout), json.dumps({name: asdict(one) for name, one in (known | records).items()}))
    return copies


def remove_unused_copies(layout: Layout, copies: dict[str, ProgramCopy]) -> None:
    """Remove from the folder what is none of these copies: what `up` left when it was killed, or the system now has."""
    used = {copy.path for copy in copies.values()}
    for path in layout.programs.iterdir():
        if path not in used and not path.is_dir():
            path.unlink()


def cluster_path(layout: Layout) -> str:
    """Return the PATH of the cluster's processes: nothing of the caller's is on it."""
    return os.pathsep.join([str(layout.programs), *programs.SYSTEM_FOLDERS])


def _file(layout: Layout) -> Path:
    return layout.state / "programs.json"


def _known(layout: Layout) -> dict[str, _Record]:
    try:
        document: dict[str, Any] = json.loads(_file(layout).read_text(encoding="utf-8"))
        return {name: _Record(**one) for name, one in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # there is none, or it is not ours: all is copied again


def _stamp(path: Path) -> Stamp | None:
    try:
        return _stamp_of(path.stat())
    except OSError:
        return None


def _stamp_of(status: os.stat_result) -> Stamp:
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]
