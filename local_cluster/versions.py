"""Which Kubernetes and etcd have worked on a cluster's data: older ones are not let near it."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local_cluster import programs
from local_cluster.errors import LocalClusterError
from local_cluster.files import write_if_changed
from local_cluster.layout import Layout

_PROGRAMS = {"kube-apiserver": "Kubernetes", "etcd": "etcd"}
_VERSION = re.compile(r"\b[vV]?(\d+)\.(\d+)\.\d+\S*")


class DowngradeError(LocalClusterError):
    """The data was written by a newer Kubernetes or etcd than is here."""


@dataclass(frozen=True, kw_only=True)
class _Version:
    """A program's version.

    Attributes:
        program: path, size and time of change of the file: as long as they are the same, it need not be asked again.
        text: the version, such as 1.37.2.
    """

    program: str
    text: str

    @property
    def release(self) -> tuple[int, int]:
        """The major and minor number: what data's format goes by."""
        major, minor = self.text.split(".")[:2]
        return int(major), int(minor)


def refuse_downgrade(layout: Layout) -> None:
    """Note the versions that will work on the cluster's data from now on, unless newer ones have before.

    Args:
        layout: the cluster; its state folder exists.

    Raises:
        DowngradeError: names the versions, and what to do.
        ProgramError: a program is missing, or does not tell its version.
    """
    known = _known(layout)
    found = {program: _version_of(program, known.get(program)) for program in _PROGRAMS}
    newer = [
        f"{name} {known[program].text} (here it is {found[program].text})"
        for program, name in _PROGRAMS.items()
        if program in known and known[program].release > found[program].release
    ]
    if newer and (layout.state / "etcd").is_dir():
        raise DowngradeError(
            f"the data in {layout.state} was written by {' and '.join(newer)}, and an older one can't be trusted "
            "with it: go on with the checkout that has the newer, or begin anew without the data: "
            f"`python -m local_cluster --name {layout.name} down`"
        )
    write_if_changed(_file(layout), json.dumps({program: asdict(version) for program, version in found.items()}))


def _version_of(program: str, known: _Version | None) -> _Version:
    path = Path(programs.required(program))
    status = path.stat()
    stamp = f"{path} {status.st_size} {status.st_mtime_ns}"
    if known is not None and known.program == stamp:
        return known
    answer = programs.run([str(path), "--version"])
    found = _VERSION.search(answer)
    if found is None:
        raise LocalClusterError(f"`{path} --version` tells no version: run `make tools`, and put its folders on PATH")
    return _Version(program=stamp, text=found[0].lstrip("vV"))


def _file(layout: Layout) -> Path:
    return layout.state / "versions.json"


def _known(layout: Layout) -> dict[str, _Version]:
    try:
        document: dict[str, Any] = json.loads(_file(layout).read_text(encoding="utf-8"))
        versions = {program: _Version(**one) for program, one in document.items()}
        return {program: version for program, version in versions.items() if version.release}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # there is none, or it is not ours
