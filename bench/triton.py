"""A real Triton with its TensorRT backend, started on this machine for as long as it is asked."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tritonclient.http import InferenceServerClient

_BACKEND: Final = Path("/opt/tritonserver/backends/tensorrt")
_START_S: Final = 300.0
_LOG_LINES: Final = 5


class TritonStartError(Exception):
    """Triton does not serve the model; the message is one line, with the end of its log."""


def missing_triton() -> str:
    """Say why no plan can be served on this machine; empty where one can."""
    if shutil.which("tritonserver") and _BACKEND.is_dir():
        return ""
    return f"there is no tritonserver on PATH with {_BACKEND}"


@contextlib.contextmanager
def running_triton(repository: Path, model: str) -> Iterator[str]:
    """Run Triton on a free port until the model is ready, and give its address.

    Args:
        repository: a folder of models; Triton's log is written beside it.
        model: that must be ready.

    Raises:
        TritonStartError: it ends, or the model is not ready in time.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["tritonserver", f"--model-repository={repository}", f"--http-port={port}", "--http-address=127.0.0.1"]
    log = repository.with_name(f"{repository.name}.log")
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, "--allow-grpc=false", "--allow-metrics=false", "--disable-auto-complete-config"],
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as server,
    ):
        try:
            _await_ready(f"127.0.0.1:{port}", model, server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _await_ready(address: str, model: str, server: subprocess.Popen[bytes], log: Path) -> None:
    client, deadline = InferenceServerClient(address), time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if client.is_model_ready(model):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=0.2)
    last = " | ".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    raise TritonStartError(
        f"tritonserver does not serve {model}; status {server.poll()} after up to {_START_S:.0f} s: {last}"
    )
