"""Servers that stand around a guest: each a process of its own, ended with its context."""

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local_cluster.awaiting import await_condition

_START_S = 60
_END_S = 10


@contextlib.contextmanager
def running(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the context lasts.

    Args:
        command: with its arguments.
        log: the file that all its output goes to.
        environment: what it runs in.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment)
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_port(address: str, port: int, process: subprocess.Popen[bytes], *, log: Path) -> None:
    """Wait until a server takes connections.

    Raises:
        AssertionError: it has ended instead; its last lines are the reason.
        DeadlineError: it takes none in time.
    """

    def reason() -> str | None:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError as error:
            return str(error)
        return None

    await_condition(f"{address}:{port}", reason, deadline_s=_START_S, say=lambda _line: None)


def free_port(address: str) -> int:
    """Return a port of an address of this machine that nothing listens on."""
    with socket.socket() as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])


def trusting(authority: Path) -> ssl.SSLContext:
    """Return what a client needs that trusts one authority and no other."""
    return ssl.create_default_context(cafile=str(authority))
