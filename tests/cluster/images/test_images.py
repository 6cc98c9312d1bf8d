"""The real images: built if the cache lacks them, and run without a cluster by buildah."""

import contextlib
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tritonclient import http as triton

from deploy.images.archives import build_images
from infra.images import REPOSITORY

SERVING, BUILDING = OWN_IMAGES = ("triton-cpu", "model-build")
CONFIG = """
backend: "python"
input [{ name: "input" data_type: TYPE_FP32 dims: [3] }]
output [{ name: "output" data_type: TYPE_FP32 dims: [3] }]
"""
MODEL = """
from pathlib import Path

import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, args):
        self.session = onnxruntime.InferenceSession(Path(__file__).with_name("model.onnx"))

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        image = triton.get_input_tensor_by_name(request, "input").as_numpy()
        (scores,) = self.session.run(None, {"input": image})
        return triton.InferenceResponse([triton.Tensor("output", scores)])
"""


class Containers:
    """A container of each image in a storage of its own; a command in one runs as the image's user."""

    def __init__(self, storage: Path) -> None:
        self._buildah = (
            *("unshare", "--mount"),  # no mount outlives its command
            *("buildah", f"--root={storage / 'root'}", f"--runroot={storage / 'run'}"),
        )
        for image, archive in build_images(OWN_IMAGES).items():
            identity = self._output("pull", "--quiet", f"oci-archive:{archive}").strip()
            self._output("from", f"--name={image}", identity)

    def output(self, image: str, *command: str) -> str:
        return self._output("run", "--isolation=chroot", image, "--", *command)

    @contextlib.contextmanager
    def running(self, image: str, *command: str, volume: str) -> Iterator[Iterator[str]]:
        """Run a command while the context lasts, and give the lines that it writes."""
        run = ("run", "--isolation=chroot", f"--volume={volume}", image, "--", *command)
        with subprocess.Popen(
            (*self._buildah, *run), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            try:
                yield iter(process.stdout)
            finally:
                process.terminate()

    def _output(self, *arguments: str) -> str:
        return subprocess.run((*self._buildah, *arguments), check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    storage = tmp_path_factory.mktemp("storage")
    yield Containers(storage)
    shutil.rmtree(storage)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one model, `doubler`, readable by any user."""
    names = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [3])  # type: ignore[attr-defined, unused-ignore]
        for name in ("input", "output")
    ]
    graph = helper.make_graph(
        [helper.make_node("Add", ["input", "input"], ["output"])], "doubler", names[:1], names[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    folder = tmp_path / "repository" / "doubler"
    (folder / "1").mkdir(parents=True)
    onnx.save(model, folder / "1" / "model.onnx")
    (folder / "1" / "model.py").write_text(MODEL)
    (folder / "config.pbtxt").write_text(CONFIG)
    return folder.parent


def locked_versions(locks: Sequence[Path]) -> dict[str, str]:
    return {
        name: version
        for lock in locks
        for name, version in re.findall(r"^(\S+)==(\S+)", lock.read_text(), re.MULTILINE)
    }


def free_ports(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(listener.getsockname()[1]) for listener in sockets]


@pytest.mark.parametrize("image", OWN_IMAGES)
def test_nothing_runs_as_root(containers: Containers, image: str) -> None:
    assert containers.output(image, "id").startswith("uid=1000(triton) gid=1000(triton) ")


@pytest.mark.parametrize("image", OWN_IMAGES)
def test_security_updates_are_in_the_image(containers: Containers, image: str) -> None:
    """Its Debian was made with the updates and the security updates, and says where the next ones come from."""
    suites = {line.split()[2] for line in containers.output(image, "cat", "/etc/apt/sources.list").splitlines()}
    assert suites == {"bookworm", "bookworm-updates", "bookworm-security"}


@pytest.mark.parametrize("image", OWN_IMAGES)
def test_the_image_holds_what_its_locks_name(containers: Containers, image: str) -> None:
    images = OWN_IMAGES[: OWN_IMAGES.index(image) + 1]
    locked = locked_versions([REPOSITORY / "images" / name / "requirements.lock" for name in images])
    show = "from importlib.metadata import distributions as d; [print(x.name, x.version) for x in d()]"
    installed = dict(line.split() for line in containers.output(image, "python3", "-c", show).splitlines())
    assert {name.replace("_", "-").lower(): version for name, version in installed.items()} == locked


def test_the_builder_starts(containers: Containers) -> None:
    usage = containers.output(BUILDING, "python3", "-m", "model_build", "--help")
    assert usage.startswith("usage: python -m model_build")


def test_triton_answers_by_onnx_runtime(containers: Containers, repository: Path) -> None:
    http, grpc, metrics = free_ports(3)
    ports = ("--http-port", http, "--grpc-port", grpc, "--metrics-port", metrics)
    command = ("tritonserver", "--model-repository=/mnt/model", *ports)
    with containers.running(SERVING, *command, volume=f"{repository}:/mnt/model:ro") as log:
        said = list(until("Started Metrics Service", log))
        assert "Started Metrics Service" in said[-1], "".join(said)
        with triton.InferenceServerClient(f"127.0.0.1:{http}") as client:
            image = triton.InferInput("input", [3], "FP32")
            image.set_data_from_numpy(np.array([1, 2, 3], np.float32))
            scores = client.infer("doubler", [image]).as_numpy("output")
    assert scores.tolist() == [2, 4, 6]


def until(text: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if text in line:
            return
