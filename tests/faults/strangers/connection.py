"""A stranger's connection: bytes as they are, from an address of its own, and what came back."""

import contextlib
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass

from tests.faults.strangers.answers import is_final, statuses_from_answer

ADDRESS = "127.0.0.66"
"""Where strangers come from, by default; the good clients are 127.0.0.1."""

PATIENCE_S = 30
"""How long a stranger waits for an answer."""

_MOST_BYTES = 1 << 20
_SILENCE_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Target:
    """Whom strangers ask.

    Attributes:
        host: an address.
        port: of HTTP.
        base: what stands before ``/v2``.
        model: the name to ask for.
        address: where they come from.
    """

    host: str
    port: int
    base: str
    model: str
    address: str = ADDRESS

    @property
    def infer(self) -> str:
        """The path of the model's inference."""
        return f"{self.base}/v2/models/{self.model}/infer"

    def connect(self) -> socket.socket:
        """Open a connection from the strangers' address."""
        return socket.create_connection((self.host, self.port), timeout=PATIENCE_S, source_address=(self.address, 0))


@dataclass(frozen=True, kw_only=True)
class End:
    """How one connection ended for the stranger.

    Attributes:
        status: of the last answer; None where the connection was closed without one, or none came.
        statuses: of all the answers.
        said: the beginning of the last one's body.
        closed: whether the other side closed the connection.
        sent_bytes: how much could be sent.
        seconds: from the connection to its end.
    """

    status: int | None
    statuses: tuple[int, ...] = ()
    said: str = ""
    closed: bool
    sent_bytes: int
    seconds: float

    def __str__(self) -> str:
        what = str(self.status or ("closed" if self.closed else "no answer"))
        return f"{what} after {self.seconds:.1f} s{f': {self.said[:100]}' if self.said else ''}"


def ask(target: Target, pieces: Iterable[bytes], *, patience_s: float = PATIENCE_S) -> End:
    """Send pieces as they come, until the other side has had enough, then read what it answers until it is silent.

    Args:
        target: whom to ask.
        pieces: of one request or of several, as bytes on the wire.
        patience_s: how long to wait for the answer.
    """
    start_s, sent = time.monotonic(), 0
    with target.connect() as connection:
        with contextlib.suppress(OSError):  # nobody reads any more, or it was closed: an answer may be there
            for piece in pieces:
                connection.sendall(piece)
                sent += len(piece)
        answer, closed = _read(connection, deadline_s=start_s + patience_s)
    statuses = statuses_from_answer(answer)
    said = answer.rpartition(b"\r\n\r\n")[2].strip()
    return End(
        status=statuses[-1] if statuses else None,
        statuses=statuses,
        said=said[:200].decode(errors="replace"),
        closed=closed,
        sent_bytes=sent,
        seconds=time.monotonic() - start_s,
    )


def _read(connection: socket.socket, *, deadline_s: float) -> tuple[bytes, bool]:
    """Read until the other side closes, or says nothing more for a while."""
    answer = b""
    while (left_s := deadline_s - time.monotonic()) > 0 and len(answer) < _MOST_BYTES:
        connection.settimeout(min(left_s, _SILENCE_S) if is_final(answer) else left_s)
        try:
            received = connection.recv(1 << 16)
        except TimeoutError:
            break
        except OSError:
            return answer, True
        if not received:
            return answer, True
        answer += received
    return answer, False


def reset(connection: socket.socket) -> None:
    """End a connection as a crash does, without a farewell."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
