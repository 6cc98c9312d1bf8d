"""The processes that run programs for the engine: none outlives its call, or the engine."""

import contextlib
import os
import queue
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import grpc  # type: ignore[import-untyped]

_GRACE_S = 5.0
_CHUNK_BYTES = 16384


@dataclass(frozen=True)
class Output:
    """Bytes that a process has written, on one of the two."""

    stdout: bytes = b""
    stderr: bytes = b""


class Children:
    """Starts processes and ends them when their call is cancelled or the host itself ends."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(self, command: Sequence[str | Path], environment: Mapping[str, str], context: grpc.ServicerContext) -> int:
        """Run a command whose output goes where the host's goes; return its exit status (-n: ended by signal n)."""
        with self._started(command, environment, None, context, pipes=False) as process:
            return process.wait()

    def stream(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        cwd: Path,
        context: grpc.ServicerContext,
    ) -> Iterator[Output | int]:
        """Run a command and yield its output as it comes, then its exit status (-n: ended by signal n)."""
        written: queue.SimpleQueue[Output] = queue.SimpleQueue()
        with self._started(command, environment, cwd, context, pipes=True) as process:
            for pipe, as_output in ((process.stdout, _as_stdout), (process.stderr, _as_stderr)):
                threading.Thread(target=_pump, args=(pipe, as_output, written), daemon=True).start()
            streams = 2
            while streams:
                output = written.get()
                if output == Output():
                    streams -= 1
                else:
                    yield output
            yield process.wait()

    def end(self) -> None:
        """Ask every process to end, kill what is still there after five seconds, and start no more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _end(process)

    @contextlib.contextmanager
    def _started(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        cwd: Path | None,
        context: grpc.ServicerContext,
        *,
        pipes: bool,
    ) -> Iterator[subprocess.Popen[bytes]]:
        output = subprocess.PIPE if pipes else None
        with self._lock:
            if self._closed:
                raise InterruptedError("the language host is ending")
            process = subprocess.Popen(
                command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            self._running.add(process)
        try:
            # the call may have been cancelled already: then there is no callback any more
            if not context.add_callback(lambda: _end(process)):
                _end(process)
            yield process
        finally:
            _end(process)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
            with self._lock:
                self._running.discard(process)


def call_when_gone(pid: int, callback: Callable[[], None]) -> None:
    """Call back, from a thread, once a process that is not a child of this one has ended (on Linux alone)."""
    if sys.platform != "linux":
        return

    def wait() -> None:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            select.select([descriptor], [], [])
            os.close(descriptor)
        callback()

    threading.Thread(target=wait, daemon=True).start()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pump(pipe: IO[bytes], as_output: Callable[[bytes], Output], written: "queue.SimpleQueue[Output]") -> None:
    with contextlib.suppress(OSError, ValueError):  # closed under our feet: the call is over
        while chunk := os.read(pipe.fileno(), _CHUNK_BYTES):
            written.put(as_output(chunk))
    written.put(Output())


def _as_stdout(chunk: bytes) -> Output:
    return Output(stdout=chunk)


def _as_stderr(chunk: bytes) -> Output:
    return Output(stderr=chunk)
