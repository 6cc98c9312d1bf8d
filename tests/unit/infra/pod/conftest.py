"""A model repository as a pod sees it, and stand-ins for the pod's own Triton, TensorRT and GPUs."""

from __future__ import annotations

import array
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contract.comparison import LOGITS, Tolerance
from contract.expectation import Expectation
from contract.labels import text_from_labels
from contract.manifest import Golden, GoldenPicture, Manifest, SourceRecord, json_from_manifest, manifest_from_json
from contract.preprocessing import preprocessing_from_value
from contract.served import golden_input_file
from infra.components.proof import script_texts
from infra.components.triton_pod import Expected
from tests.background import in_background

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from contract.served import ImageShape

PLAN = "0123456789abcdef"
LABELS = ("CUP", "COFFEE MUG", "COFFEEPOT", "SOAP: BAR")
SCORES = (2.5, 7.25, -1.0, 0.5)
SHAPE = (3, 2, 2)
TENSOR = tuple(range(12))
TOLERANCE = Tolerance(largest=0.01, cosine=0.999)
MUG = Expectation(class_index=1, label="COFFEE MUG", top=(1, 0), margin=1.0)
STAND_INS = Path(__file__).parent / "stand_ins"
OLD_PYTHON = next(
    (str(path) for path in Path.home().glob(".pyenv/versions/3.8.*/bin/python")), shutil.which("python3.8")
)
READ_ONLY = """
import os, runpy, sys
os.access = lambda *_: False
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Asked:
    """An expected picture of a stand-in repository.

    Attributes:
        values: of its tensor.
        expectation: of the pod, and of the manifest.
        scores: golden.
    """

    values: Sequence[float] = TENSOR
    expectation: Expectation = MUG
    scores: tuple[float, ...] | None = SCORES

    @property
    def tensor(self) -> bytes:
        return array.array("f", self.values).tobytes()

    @property
    def sha256(self) -> str:
        """Of the file that the tensor stands for."""
        return hashlib.sha256(self.tensor).hexdigest()


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
    python: str = sys.executable

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script as the pod does: another process, its own interpreter, no packages."""
        mounts = ["--repository", str(self.repository), "--expected", str(self.proof / "expected.json")]
        python = [self.python, "-E", "-s", "-S", "-B", *(["-c", READ_ONLY] if self.read_only else [])]
        command = [*python, str(self.proof / script), *mounts, *arguments]
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.libraries)}
        return subprocess.run(
            command, env=environment, cwd=self.libraries, capture_output=True, text=True, check=False, timeout=60
        )

    def expects(self, **values: Any) -> None:
        """Change keys of what the pod was declared with."""
        path = self.proof / "expected.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    def publish(
        self,
        *pictures: Asked,
        labels: Sequence[str] = LABELS,
        scale: str = LOGITS,
        shape: ImageShape = SHAPE,
        **values: Any,
    ) -> None:
        """Publish a repository, and declare the pod with it; what is in there already stays."""
        (self.proof / "labels.txt").write_text(text_from_labels(tuple(labels)), encoding="utf-8")
        for position, picture in enumerate(pictures):
            (self.repository / golden_input_file(position)).write_bytes(picture.tensor)
        golden = tuple(
            GoldenPicture(each.sha256, golden_input_file(position), each.expectation, each.scores)
            for position, each in enumerate(pictures)
        )
        manifest = replace(
            manifest_of_files(self.repository, shape),
            classes=len(labels),
            golden=Golden(scale, TOLERANCE, golden),
            **values,
        )
        self.write(manifest)
        expected = Expected(
            model=manifest.model,
            max_batch_size=manifest.max_batch_size,
            gpu_product=None,
            pictures=[(each.sha256, each.expectation) for each in pictures],
        )
        document = expected.document(manifest.plan_id, self.manifest_sha256)
        document["labelsFile"] = str(self.proof / "labels.txt")
        (self.proof / "expected.json").write_text(json.dumps(document))

    def write(self, manifest: Manifest) -> None:
        """Write the manifest, and nothing else."""
        (self.repository / "manifest.json").write_text(json_from_manifest(manifest))

    def republish(self, change: Callable[[Manifest], Manifest]) -> None:
        """Write another manifest, as if the build had reported that one."""
        self.write(change(manifest_from_json((self.repository / "manifest.json").read_text())))
        self.expects(manifestSha256=self.manifest_sha256)

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256((self.repository / "manifest.json").read_bytes()).hexdigest()

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


def manifest_of_files(repository: Path, shape: ImageShape) -> Manifest:
    """A manifest that names the files of a repository."""
    files = [path for path in repository.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return Manifest(
        plan_id=PLAN,
        engine_id=None,
        model="mug",
        target="onnxruntime",
        precision="fp32",
        max_batch_size=0,
        source=SourceRecord("onnx", "https://host/mug.onnx", "0" * 64),
        shape=shape,
        classes=len(LABELS),
        preprocessing=preprocessing_from_value({}, shape),
        files={str(path.relative_to(repository)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        versions={},
        reference=None,
        tensorrt=None,
        golden=Golden(LOGITS, TOLERANCE, ()),
    )


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    repository, proof = tmp_path / "model", tmp_path / "proof"
    for name, data in {"mug/config.pbtxt": b"name: mug", "mug/1/model.onnx": b"onnx"}.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_bytes(data)
    for name, text in script_texts().items():
        (proof / name).parent.mkdir(parents=True, exist_ok=True)
        (proof / name).write_text(text, encoding="utf-8")
    (tmp_path / "libraries").mkdir()
    pod = Pod(repository, proof, tmp_path / "termination-log", tmp_path / "libraries")
    pod.publish(Asked())
    return pod


@dataclass
class Triton:
    """What the stand-in answers, and what it was asked.

    Attributes:
        scores: of every tensor that has none of its own.
        scores_by_tensor: of the others.
        mixed: what becomes of a batch's rows.
    """

    port: int
    scores: Sequence[float] = SCORES
    scores_by_tensor: dict[bytes, Sequence[float]] = field(default_factory=dict)
    labels: Sequence[str] = LABELS
    ready: int = 200
    refusal: tuple[int, str] | None = None
    mixed: Callable[[list[Sequence[float]]], list[Sequence[float]]] = list
    shapes: list[list[int]] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)

    def answer(self, body: bytes, header_length: int) -> tuple[bytes, bytes]:
        """Answer as Triton does: JSON, and the binary output after it."""
        request = json.loads(body[:header_length])
        shape, data = request["inputs"][0]["shape"], body[header_length:]
        self.shapes.append(shape)
        self.inputs.append(data)
        parameters = request["outputs"][0]["parameters"]
        count = shape[0] if len(shape) > len(SHAPE) else 1
        size = len(data) // count
        rows = [self.scores_of(data[at : at + size]) for at in range(0, len(data), size)]
        if "classification" not in parameters:
            rows = self.mixed(rows) if count > 1 else rows
            binary = array.array("f", [score for row in rows for score in row]).tobytes()
            return json.dumps({"outputs": [{"name": "output"}]}).encode(), binary
        order = sorted(range(len(rows[0])), key=lambda index: -rows[0][index])
        found = [f"{rows[0][i]:f}:{i}:{self.labels[i]}" for i in order[: parameters["classification"]]]
        return json.dumps({"outputs": [{"name": "output", "datatype": "BYTES", "data": found}]}).encode(), b""

    def scores_of(self, tensor: bytes) -> Sequence[float]:
        """What a tensor gets alone."""
        return self.scores_by_tensor.get(tensor, self.scores)


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
        with in_background(server):
            yield state
