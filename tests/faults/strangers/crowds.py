"""Many connections at once that say little, or say it slowly, or break off."""

import contextlib
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.strangers.connection import Target, reset
from tests.faults.strangers.messages import IMAGE_BYTES, LENGTH, head
from tests.faults.strangers.parsed import many_classifications

CROWD = 2_000
"""How many connections a stranger holds."""

_DRIP_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How each connection of a crowd behaves.

    Attributes:
        first: what it sends at once.
        drip: what it sends every two seconds then; nothing where it is empty.
        reads: whether it reads what comes; what it does not read, the other side has to keep.
    """

    first: bytes
    drip: bytes = b""
    reads: bool = True


def slow_headers(target: Target) -> Manner:
    """Fields that never end."""
    return Manner(first=head(target, [("Content-Length", "2")])[:-2], drip=b"X-A: b\r\n")


def slow_bodies(target: Target) -> Manner:
    """A body that comes byte for byte."""
    fields = [("Content-Length", str(IMAGE_BYTES)), (LENGTH, "100")]
    return Manner(first=head(target, fields), drip=b"x")


def slow_chunks(target: Target) -> Manner:
    """A body in chunks of a byte, without an end."""
    return Manner(first=head(target, [("Transfer-Encoding", "chunked")]), drip=b"1\r\nx\r\n")


def idle(_: Target) -> Manner:
    """A connection and nothing else."""
    return Manner(first=b"")


def huge_chunks(target: Target) -> Manner:
    """A chunk that is said to be of 2**63 bytes, which come one by one."""
    first = head(target, [("Transfer-Encoding", "chunked")]) + b"7fffffffffffffff\r\n"
    return Manner(first=first, drip=b"x")


def stalled_bodies(target: Target) -> Manner:
    """A megabyte of a body, and nothing after it."""
    return Manner(first=head(target, [("Content-Length", str(1 << 24)), (LENGTH, "100")]) + bytes(1_000_000))


def unread_answers(target: Target) -> Manner:
    """A request for the longest answer that there is, which nobody reads."""
    return Manner(first=b"".join(many_classifications(target)), reads=False)


@dataclass
class Crowd:
    """What became of a crowd.

    Attributes:
        opened: connections that were accepted.
        refused: connections that were not.
        closed: connections that the other side has closed.
        answered: connections that got an answer.
        first: the beginning of the first answer.
    """

    opened: int = 0
    refused: int = 0
    closed: int = 0
    answered: int = 0
    first: bytes = b""
    _answered: set[int] = field(default_factory=set)

    def read(self, connection: socket.socket) -> bool:
        """Read what is there; False where the other side has closed."""
        try:
            received = connection.recv(1 << 16)
        except BlockingIOError:
            return True
        except OSError:
            received = b""
        if received and id(connection) not in self._answered:
            self._answered.add(id(connection))
            self.answered += 1
            self.first = self.first or received[:200]
        self.closed += not received
        return bool(received)


def hold(targets: Sequence[Target], manner: Callable[[Target], Manner], *, count: int, during_s: float) -> Crowd:
    """Open connections and keep them open, until the other side has closed them all or the time is over.

    Args:
        targets: whom to ask, from which address, in turn.
        manner: what each of them does.
        count: of connections.
        during_s: for how long at most.
    """
    crowd, end_s, ways = Crowd(), time.monotonic() + during_s, [(target, manner(target)) for target in targets]
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as open_ones:
        for number in range(count):
            try:
                connection = _opened(*ways[number % len(ways)])
            except OSError:
                crowd.refused += 1
                continue
            open_ones.callback(connection.close)
            crowd.opened += 1
            selector.register(connection, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < end_s:
            _turn(selector, ways[0][1], crowd)
    return crowd


def _opened(target: Target, manner: Manner) -> socket.socket:
    connection = target.connect()
    if not manner.reads:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with contextlib.suppress(OSError):  # it may be closed already
        connection.sendall(manner.first)
    connection.settimeout(0)
    return connection


def _turn(selector: selectors.BaseSelector, manner: Manner, crowd: Crowd) -> None:
    """Drip once on every connection, and hear what comes until the next time."""
    next_s = time.monotonic() + _DRIP_S
    for key in list(selector.get_map().values()):
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        with contextlib.suppress(OSError):  # closed: it is noticed when it is read
            connection.send(manner.drip)
    while (left_s := next_s - time.monotonic()) > 0:
        if not manner.reads or not selector.get_map():
            time.sleep(left_s)
            break
        for key, _ in selector.select(left_s):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            if not crowd.read(connection):
                selector.unregister(connection)


def break_off(target: Target, *, count: int, half: bytes, end: Callable[[socket.socket], None]) -> int:
    """Send half a request again and again, and end each connection; return how many were opened.

    Args:
        target: whom to ask.
        count: of connections, one after the other.
        half: what is sent.
        end: ends a connection, as a crash does or with a farewell.
    """
    opened = 0
    for _ in range(count):
        with contextlib.suppress(OSError):
            connection = target.connect()
            opened += 1
            connection.sendall(half)
            end(connection)
    return opened


def half_of_an_image(target: Target) -> bytes:
    """Half a binary request."""
    return head(target, [("Content-Length", str(IMAGE_BYTES)), (LENGTH, "100")]) + bytes(IMAGE_BYTES // 2)


ENDS: tuple[tuple[str, Callable[[socket.socket], None]], ...] = (("reset", reset), ("closed", socket.socket.close))
