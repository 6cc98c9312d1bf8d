"""The host's forwarding of IPv4 packets: on for clusters where it was off, for nobody else, and put back.

A host that forwards (``net.ipv4.ip_forward`` is 1) is left as it is. On any other, forwarding is switched on for each
interface by itself: the one setting for all would reset others, be inherited by interfaces to come, and hide from
Docker, say, that the host does not forward. What came in by such an interface may then leave for a cluster, and for
an interface that came later and looks after itself; to those that were there it goes as little as before.

A record in the run folder says for which clusters and interfaces that was done; each network namespace has its own. It
is written before anything is changed, and removed after all is put back, so that an interrupted command leaves nothing
that the next can't see.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local_cluster import layout as places
from local_cluster import programs
from local_cluster.errors import LocalClusterError
from local_cluster.files import make_folder, write_if_changed
from local_cluster.layout import Layout, layout_from_name

TABLE = "densenet-triton-forwarding"
_SETTINGS = Path("/proc/sys/net/ipv4")
_ON, _OFF = "1", "0"


class ForwardingError(LocalClusterError):
    """The host can't be made to forward a cluster's packets."""


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What was changed, and for whom.

    Attributes:
        boot: the machine's boot, after which nothing of it is true.
        clusters: those that need it.
        interfaces: those that did not forward before.
    """

    boot: str
    clusters: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()


def can_be_set() -> bool:
    """Tell whether the host forwards already, or can be made to."""
    return _forwards_for_all() or os.access(_SETTINGS / "ip_forward", os.W_OK)


def ensure(layout: Layout) -> None:
    """Have the host forward a cluster's packets, and those of nobody for whom it did not before."""
    with _record_held() as record:
        if _forwards_for_all():
            _forget(record)  # by somebody else's will, whatever was before
            return
        switched = {interface for interface in _interfaces() if _read(_setting(interface)) == _OFF}
        clusters = {*record.clusters, layout.name}
        links = {layout_from_name(name).link for name in clusters}
        after = _Record(
            boot=record.boot,
            clusters=tuple(sorted(clusters)),
            interfaces=tuple(sorted({*record.interfaces, *switched} - links)),
        )
        _write(after)
        programs.run(["nft", "-f", "-"], stdin=_WITHOUT_TABLE + _table(after.interfaces))
        for interface in switched:
            _set(interface, _ON)


def release(layout: Layout) -> None:
    """Put everything back, unless another cluster needs it."""
    with _record_held() as record:
        others = tuple(name for name in record.clusters if name != layout.name)
        if others:
            _write(_Record(boot=record.boot, clusters=others, interfaces=record.interfaces))
            return
        if not _forwards_for_all():  # else somebody has switched it on since, for all
            for interface in record.interfaces:
                _set(interface, _OFF)
        _forget(record)


def _forget(record: _Record) -> None:
    if record.clusters and programs.find("nft") is not None:
        programs.run(["nft", "-f", "-"], stdin=_WITHOUT_TABLE)
    _file().unlink(missing_ok=True)


def _table(interfaces: tuple[str, ...]) -> str:
    """Return the rules that keep those from each other; without an interface there is nothing to keep."""
    if not interfaces:
        return ""
    elements = ", ".join(f'"{interface}"' for interface in interfaces)
    return f"""table ip {TABLE} {{
    set switched {{
        type ifname
        elements = {{ {elements} }}
    }}
    chain forward {{
        type filter hook forward priority filter
        iifname @switched oifname @switched drop
    }}
}}
"""


_WITHOUT_TABLE = f"table ip {TABLE}\ndelete table ip {TABLE}\n"
"""Deletes the table whether it is there or not."""


def _forwards_for_all() -> bool:
    return _read(_SETTINGS / "ip_forward") == _ON


def _interfaces() -> list[str]:
    """List the host's interfaces by which packets may come, those of the clusters among them."""
    names = (folder.name for folder in (_SETTINGS / "conf").iterdir())
    return [name for name in names if name not in ("all", "default", "lo")]


def _setting(interface: str) -> Path:
    return _SETTINGS / "conf" / interface / "forwarding"


def _set(interface: str, value: str) -> None:
    try:
        _setting(interface).write_text(value, encoding="utf-8")
    except FileNotFoundError:
        return  # the interface is gone
    except OSError as error:
        raise ForwardingError(
            f"{_setting(interface)} can't be written ({error.strerror}): run on the machine itself, "
            "or in a container with --privileged"
        ) from error


def _read(setting: Path) -> str | None:
    try:
        return setting.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None  # an interface that went meanwhile


@contextmanager
def _record_held() -> Iterator[_Record]:
    """Give the record, whole, and keep other clusters' commands from it."""
    make_folder(places.RUN_ROOT, mode=0o755)
    folder = os.open(places.RUN_ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield _read_record()
    finally:
        os.close(folder)


def _read_record() -> _Record:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
        record = _Record(boot=found["boot"], clusters=tuple(found["clusters"]), interfaces=tuple(found["interfaces"]))
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return _Record(boot=boot)
    return record if record.boot == boot else _Record(boot=boot)


def _write(record: _Record) -> None:
    write_if_changed(_file(), json.dumps(asdict(record)))


def _file() -> Path:
    network_namespace = Path("/proc/self/ns/net").stat().st_ino
    return places.RUN_ROOT / f"forwarding-{network_namespace}.json"
