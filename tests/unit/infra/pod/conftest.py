"""A model repository as a pod sees it, and stand-ins for the pod's own Triton, TensorRT and GPUs."""

from __future__ import annotations

import array
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(__file__).resolve().parents[4] / "infra" / "pod"
PLAN = "0123456789abcdef"
LABELS = ["CUP", "COFFEE MUG", "COFFEEPOT", "SOAP: BAR"]
SCORES = [2.5, 7.25, -1.0, 0.5]
INPUT = bytes(range(48))
STAND_INS = Path(__file__).parent / "stand_ins"
READ_ONLY = """
import os, runpy, sys
os.access = lambda *_: False
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Pod:
    """The folders that a pod mounts, and the folder of libraries that its loader searches first.

    Its repository is read-only, as far as the scripts can see.
    """

    repository: Path
    proof: Path
    termination_log: Path
    libraries: Path
    read_only: bool = True

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script as the pod does: another process, its own interpreter, no packages."""
        mounts = ["--repository", str(self.repository), "--expected", str(self.proof / "expected.json")]
        python = [sys.executable, "-I", "-S", *(["-c", READ_ONLY] if self.read_only else [])]
        command = [*python, str(SCRIPTS / script), *mounts, *arguments]
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.libraries)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    def change(self, path: Path, **values: Any) -> None:
        """Change keys of a JSON file."""
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    def has_tensorrt(self, number: int, library: str = "libnvinfer.so.10") -> None:
        """Put a libnvinfer into the image that gives its version as this number."""
        self._compile("nvinfer.c", library, f"-DVERSION={number}")

    def has_driver(self, *gpus: tuple[str, int, int], init: int = 0) -> None:
        """Put NVML into the pod, and GPUs: name, compute capability, major and minor."""
        rows = "".join(f'{{"{name}", {major}, {minor}}},' for name, major, minor in gpus)
        self._compile("nvml.c", "libnvidia-ml.so.1", f"-DGPUS={rows}", f"-DINIT={init}")

    def _compile(self, source: str, library: str, *flags: str) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("no C compiler for the stand-ins of libnvinfer and NVML: install gcc")
        target = ["-shared", "-fPIC", "-o", str(self.libraries / library)]
        subprocess.run([compiler, *target, *flags, str(STAND_INS / source)], check=True, timeout=60)


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    repository, proof = tmp_path / "model", tmp_path / "proof"
    files = {"golden_input.bin": INPUT, "mug/config.pbtxt": b"name: mug", "mug/1/model.onnx": b"onnx"}
    for name, data in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_bytes(data)
    manifest = {
        "schema": 1,
        "planId": PLAN,
        "model": "mug",
        "maxBatchSize": 0,
        "input": {"name": "input", "datatype": "FP32", "shape": [3, 2, 2]},
        "output": {"name": "output", "datatype": "FP32", "shape": [4]},
        "tensorrt": None,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "golden": {"class": 1, "label": "COFFEE MUG", "tolerance": 0.01, "scores": SCORES},
    }
    (repository / "manifest.json").write_text(json.dumps(manifest))
    proof.mkdir()
    (proof / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    expected = {
        "planId": PLAN,
        "model": "mug",
        "maxBatchSize": 0,
        "gpuProduct": None,
        "class": 1,
        "label": "COFFEE MUG",
        "labelsFile": str(proof / "labels.txt"),
    }
    (proof / "expected.json").write_text(json.dumps(expected))
    (tmp_path / "libraries").mkdir()
    return Pod(repository, proof, tmp_path / "termination-log", tmp_path / "libraries")


@dataclass
class Triton:
    """What the stand-in answers, and what it was asked."""

    port: int
    scores: list[float] = field(default_factory=lambda: list(SCORES))
    labels: list[str] = field(default_factory=lambda: list(LABELS))
    ready: int = 200
    refusal: tuple[int, str] | None = None
    shapes: list[list[int]] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)

    def answer(self, body: bytes, header_length: int) -> tuple[bytes, bytes]:
        """Answer as Triton does: JSON, and the binary output after it."""
        request = json.loads(body[:header_length])
        self.shapes.append(request["inputs"][0]["shape"])
        self.inputs.append(body[header_length:])
        parameters = request["outputs"][0]["parameters"]
        if "classification" not in parameters:
            return json.dumps({"outputs": [{"name": "output"}]}).encode(), array.array("f", self.scores).tobytes()
        order = sorted(range(len(self.scores)), key=lambda index: -self.scores[index])
        data = [f"{self.scores[i]:f}:{i}:{self.labels[i]}" for i in order[: parameters["classification"]]]
        return json.dumps({"outputs": [{"name": "output", "datatype": "BYTES", "data": data}]}).encode(), b""


@pytest.fixture
def triton() -> Iterator[Triton]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state.ready if self.path == "/v2/models/mug/ready" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, header, binary = 200, b"", b""
            if state.refusal:
                status, header = state.refusal[0], state.refusal[1].encode()
            else:
                header, binary = state.answer(body, int(self.headers["Inference-Header-Content-Length"]))
            self.send_response(status)
            if binary:
                self.send_header("Inference-Header-Content-Length", str(len(header)))
            self.send_header("Content-Length", str(len(header + binary)))
            self.end_headers()
            self.wfile.write(header + binary)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Triton(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()
