"""supervisord: its configuration, and what we ask of it while it runs."""

import configparser
import http.client
import io
import shlex
import socket
import struct
import xmlrpc.client
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xml.parsers.expat import ExpatError

from local_cluster.component import Component, Need
from local_cluster.errors import LocalClusterError, NotRunningError
from local_cluster.layout import Layout

RUNNING = "RUNNING"
_ALIVE = (RUNNING, "STARTING", "BACKOFF")
_FOREVER = 1_000_000_000
_ANSWER_S = 20
_STOP_S = 10


class SupervisionError(LocalClusterError):
    """supervisord refused what it was asked."""


@dataclass(frozen=True, kw_only=True)
class ProcessState:
    """What supervisord knows of a component.

    Attributes:
        name: the component.
        state: supervisord's word for it; RUNNING is the good one.
        inner_pid: process id in the cluster's PID namespace; 0 where there is none.
        started: when it was started, in seconds since the epoch.
        uptime_s: for how long it has run.
    """

    name: str
    state: str
    inner_pid: int
    started: int
    uptime_s: int


def configuration(layout: Layout, components: Sequence[Component]) -> str:
    """Render supervisord.conf; a component's section changes with anything that the component reads."""
    parser = configparser.RawConfigParser()
    parser.read_dict(
        {
            "unix_http_server": {"file": str(layout.supervisor_socket), "chmod": "0600"},
            "supervisord": {
                "nodaemon": "true",
                "silent": "true",
                "user": "root",
                "directory": str(layout.state),
                "logfile": str(layout.logs / "supervisord.log"),
                "logfile_maxbytes": "10MB",
                "logfile_backups": "1",
                "pidfile": str(layout.run / "supervisord.pid"),
                "childlogdir": str(layout.logs),
            },
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
            **{f"program:{component.name}": _program(layout, component) for component in components},
        }
    )
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def _program(layout: Layout, component: Component) -> dict[str, str]:
    variables = {**dict(component.environment), "CONFIGURATION_DIGEST": component.digest()}
    return {
        "command": _escaped(shlex.join(component.command)),
        "environment": _escaped(",".join(f'{name}="{value}"' for name, value in variables.items())),
        "autostart": str(component.needs is Need.NOTHING).lower(),
        # What ends is started again: at once after a second of life, else a second later each time, without limit.
        "autorestart": "true",
        "startsecs": "1",
        "startretries": str(_FOREVER),
        "stopwaitsecs": str(_STOP_S),
        "redirect_stderr": "true",
        "stdout_logfile": str(layout.logs / f"{component.name}.log"),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "1",
    }


def _escaped(value: str) -> str:
    return value.replace("%", "%%")


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, with a deadline for every step."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost")
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(str(self._path))


class _SocketTransport(xmlrpc.client.Transport):
    """XML-RPC over such a connection."""

    def __init__(self, connection: _SocketConnection) -> None:
        super().__init__()
        self._socket_connection = connection

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self._connection = host, self._socket_connection  # what `close` closes
        return self._socket_connection


class Supervisor:
    """A running supervisord, over its socket; every call ends."""

    def __init__(self, layout: Layout, *, answer_s: float = _ANSWER_S) -> None:
        self._layout = layout
        self._answer_s = answer_s

    def answers(self) -> bool:
        """Tell whether supervisord is there and at work."""
        try:
            with self._calls() as calls:
                return bool(calls.getState()["statename"] == RUNNING)
        except (NotRunningError, SupervisionError):
            return False

    def pid(self) -> int | None:
        """Return its process id on the host, as the kernel knows it, be it at work or hung; None where none listens."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(self._answer_s)
            try:
                client.connect(str(self._layout.supervisor_socket))
            except OSError:
                return None
            pid, _user, _group = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(pid) or None

    def states(self) -> dict[str, ProcessState]:
        """Return every component's state, by its name."""
        with self._calls() as calls:
            answers = cast("list[dict[str, Any]]", calls.getAllProcessInfo())
        return {
            answer["name"]: ProcessState(
                name=answer["name"],
                state=answer["statename"],
                inner_pid=answer["pid"],
                started=answer["start"],
                uptime_s=max(0, answer["now"] - answer["start"]) if answer["pid"] else 0,
            )
            for answer in answers
        }

    def apply_configuration(self) -> list[str]:
        """Make the components be what supervisord.conf says; restart what differs.

        Returns:
            The components that were restarted, added or removed.
        """
        with self._calls(_STOP_S) as calls:
            added, changed, removed = cast("list[list[list[str]]]", calls.reloadConfig())[0]
            for name in (*changed, *removed):
                calls.stopProcessGroup(name)
                calls.removeProcessGroup(name)
            for name in (*added, *changed):
                calls.addProcessGroup(name)
        return [*added, *changed, *removed]

    def start(self, name: str) -> None:
        """Have a component run; one that does, or is about to, is left alone."""
        if self.states()[name].state in _ALIVE:
            return
        with self._calls() as calls:
            calls.startProcess(name, False)  # noqa: FBT003 - the interface's own order: name, wait

    @contextmanager
    def _calls(self, work_s: float = 0) -> Iterator[Any]:
        """Yield supervisord's interface; what it is asked for takes it that many seconds."""
        name, timeout_s = self._layout.name, self._answer_s + work_s
        up = f"`python -m local_cluster --name {name} up` starts it"
        transport = _SocketTransport(_SocketConnection(self._layout.supervisor_socket, timeout_s))
        try:
            yield xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor
        except (TimeoutError, BlockingIOError) as error:  # the latter: too many are waiting already
            raise SupervisionError(f"supervisord of {name} does not answer in {timeout_s:.0f} s: {up} anew") from error
        except OSError as error:
            raise NotRunningError(f"cluster {name} is not running: {up}") from error
        except (xmlrpc.client.Error, http.client.HTTPException, ExpatError, ValueError) as error:
            raise SupervisionError(f"supervisord of {name}: {error}") from error
        finally:
            transport.close()
