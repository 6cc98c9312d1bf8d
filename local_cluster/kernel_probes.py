"""What the kernel gives a cluster, tried: `python kernel_probes.py FOLDER` prints what fails, as JSON.

Runs as a process of its own, because it enters new namespaces, which end with it; on the standard library alone and
without any program, because it looks at a machine on which nothing is installed yet. FOLDER is empty and lies where
containers' file systems will.
"""

import ctypes
import errno
import json
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

NEW_MOUNTS, NEW_PIDS, NEW_NETWORK = 0x00020000, 0x20000000, 0x40000000
_PRIVATE = 0x4000 | 0x40000  # MS_REC, MS_PRIVATE

_NETLINK_ROUTE, _NETLINK_NETFILTER = 0, 12
_REQUEST, _ACKNOWLEDGE, _CREATE = 0x001, 0x004, 0x400
_NEW_LINK = 16
_LINK_NAME, _LINK_INFO, _LINK_KIND = 3, 18, 1
_GENERATION_OF_NFTABLES = 10 << 8 | 16
_PROTOCOL_OF_IP_SET = 6 << 8 | 1
_PROTOCOL, _PROTOCOL_VERSION = 1, 6
_ERROR_MESSAGE = 2
_ANSWER_BYTES = 65536
_PATIENCE_S = 20.0

_libc = ctypes.CDLL(None, use_errno=True)


def main(folder: Path) -> None:
    """Try everything that a cluster needs of the kernel, and print what fails with the kernel's reason."""
    failures: dict[str, str] = {}
    for feature, attempt in _attempts(folder):
        try:
            attempt()
        except OSError as error:
            failures[feature] = error.strerror or str(error)
    print(json.dumps(failures))  # noqa: T201 - what the parent reads


def _attempts(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "mount namespaces", lambda: _in_own_mounts(folder)
    yield "overlayfs", lambda: _mount_overlay(folder)
    yield "network namespaces", lambda: _unshare(NEW_NETWORK)
    yield "veth", _make_veth
    yield "nf_tables", _ask_nf_tables
    yield "ip_set", _ask_ip_set
    yield "PID namespaces", lambda: _mount_proc_in_own_pids(folder)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _unshare(flags: int) -> None:
    _checked(_libc.unshare(flags))


def _mount(source: str, target: Path, kind: str, flags: int = 0, options: str = "") -> None:
    arguments = (source.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _checked(_libc.mount(*arguments))


def _in_own_mounts(folder: Path) -> None:
    _unshare(NEW_MOUNTS)
    _mount("none", Path("/"), "none", _PRIVATE)
    target = folder / "tmpfs"
    target.mkdir()
    _mount("tmpfs", target, "tmpfs")


def _mount_overlay(folder: Path) -> None:
    """Mount one whose upper layer lies in the folder: not every file system can be that."""
    layers = {name: folder / name for name in ("lower", "upper", "work", "merged")}
    for layer in layers.values():
        layer.mkdir()
    options = f"lowerdir={layers['lower']},upperdir={layers['upper']},workdir={layers['work']}"
    _mount("overlay", layers["merged"], "overlay", options=options)
    (layers["merged"] / "file").touch()
    _checked(_libc.umount2(os.fsencode(layers["merged"]), 0))


def _mount_proc_in_own_pids(folder: Path) -> None:
    target = folder / "proc"
    target.mkdir()
    _unshare(NEW_PIDS)
    child = os.fork()  # the first process of the namespace
    if child == 0:
        try:
            _mount("proc", target, "proc")
        except OSError as error:
            os._exit(error.errno or errno.EPERM)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        raise OSError(status, os.strerror(status))


def _make_veth() -> None:
    """Do what `ip link add … type veth` does."""
    link = _attribute(_LINK_NAME, b"probe-veth\0")
    link += _attribute(_LINK_INFO, _attribute(_LINK_KIND, b"veth\0"))
    header = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
    _ask(_NETLINK_ROUTE, _NEW_LINK, _REQUEST | _ACKNOWLEDGE | _CREATE, header + link)


def _ask_nf_tables() -> None:
    """Ask for the ruleset's generation, which loads nf_tables where it is a module."""
    header = struct.pack("=BBH", socket.AF_UNSPEC, 0, 0)
    _ask(_NETLINK_NETFILTER, _GENERATION_OF_NFTABLES, _REQUEST, header)


def _ask_ip_set() -> None:
    """Ask whether the kernel speaks the sets' protocol, which loads ip_set where it is a module."""
    header = struct.pack("=BBH", socket.AF_INET, 0, 0)
    version = _attribute(_PROTOCOL, struct.pack("=B", _PROTOCOL_VERSION))
    _ask(_NETLINK_NETFILTER, _PROTOCOL_OF_IP_SET, _REQUEST, header + version)


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def _ask(family: int, kind: int, flags: int, body: bytes) -> None:
    """Send one message by netlink, and raise the error that comes back."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family) as netlink:
        netlink.settimeout(_PATIENCE_S)
        netlink.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        answer = netlink.recv(_ANSWER_BYTES)
    _, answered, *_ = struct.unpack_from("=IHHII", answer)
    if answered == _ERROR_MESSAGE:
        (number,) = struct.unpack_from("=i", answer, 16)
        if number != 0:
            raise OSError(-number, os.strerror(-number))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
