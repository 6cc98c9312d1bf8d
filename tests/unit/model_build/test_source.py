import hashlib
import http.server
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract import downloads
from model_build import source as source_module
from model_build.errors import SourceError
from model_build.source import onnx_from_source
from model_build.spec import OnnxSource
from model_build.storage import Storage
from tests.background import in_background

MODEL = b"a model's bytes"
SHA256 = hashlib.sha256(MODEL).hexdigest()


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL)
    return path.as_uri()


class _Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/model.onnx":
            self.send_error(404, "Not Found")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(MODEL)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server_url() -> Iterator[str]:
    """Serve the model by plain HTTP: that only https is accepted is the specification's to see to."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server, in_background(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_file_is_kept_under_its_digest(storage: Path, file_url: str) -> None:
    assert onnx_from_source(OnnxSource(url=file_url, sha256=SHA256), Storage(storage)) == MODEL
    assert (storage / "downloads" / SHA256).read_bytes() == MODEL
    assert not (storage / "sources").exists(), "that one is root's"


def test_a_download_is_kept_under_its_digest(storage: Path, server_url: str) -> None:
    source = OnnxSource(url=f"{server_url}/model.onnx", sha256=SHA256)
    assert onnx_from_source(source, Storage(storage)) == MODEL


@pytest.mark.parametrize("folder", ["sources", "downloads"])
def test_what_is_kept_is_not_downloaded_again(storage: Path, folder: str) -> None:
    (storage / folder).mkdir()
    (storage / folder / SHA256).write_bytes(MODEL)
    source = OnnxSource(url="https://no.such.host.invalid/model.onnx", sha256=SHA256)
    assert onnx_from_source(source, Storage(storage)) == MODEL


@pytest.mark.parametrize("plant", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["FIFO", "link"])
def test_nothing_but_a_file_is_read(storage: Path, file_url: str, plant: Callable[[Path], None]) -> None:
    for folder in ("sources", "downloads"):
        (storage / folder).mkdir()
        plant(storage / folder / SHA256)
    assert onnx_from_source(OnnxSource(url=file_url, sha256=SHA256), Storage(storage)) == MODEL
    assert (storage / "downloads" / SHA256).read_bytes() == MODEL
    assert not (storage / "downloads" / SHA256).is_symlink()


@pytest.mark.parametrize("folder", ["sources", "downloads"])
def test_a_damaged_kept_file_is_refused(storage: Path, file_url: str, folder: str) -> None:
    (storage / folder).mkdir()
    (storage / folder / SHA256).write_bytes(MODEL[:-1])
    with pytest.raises(SourceError, match=rf"{SHA256} is damaged, its sha256 is .* remove it and run again"):
        onnx_from_source(OnnxSource(url=file_url, sha256=SHA256), Storage(storage))


def test_another_digest_is_refused_with_both(storage: Path, file_url: str) -> None:
    with pytest.raises(SourceError, match=rf"has sha256 {SHA256}, but the configuration says {'b' * 64}"):
        onnx_from_source(OnnxSource(url=file_url, sha256="b" * 64), Storage(storage))
    assert list((storage / "downloads").iterdir()) == []


def test_a_missing_file_says_how_it_gets_there(storage: Path) -> None:
    source = OnnxSource(url="file:///no/such/model.onnx", sha256=SHA256)
    with pytest.raises(SourceError, match=r"model\.onnx: .*No such file.*; `make up` stages"):
        onnx_from_source(source, Storage(storage))


def test_a_refusal_shows_the_status(storage: Path, server_url: str) -> None:
    source = OnnxSource(url=f"{server_url}/other.onnx", sha256=SHA256)
    with pytest.raises(SourceError, match=r"other.onnx answers 404 Not Found"):
        onnx_from_source(source, Storage(storage))


def test_a_closed_port_does_not_answer(storage: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{unused.getsockname()[1]}/model.onnx"
        with pytest.raises(SourceError, match=r"does not answer: .*refused"):
            onnx_from_source(OnnxSource(url=url, sha256=SHA256), Storage(storage))


def test_a_silent_server_does_not_answer(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_SILENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/model.onnx"
        with pytest.raises(SourceError, match=r"does not answer: .*timed out"):
            onnx_from_source(OnnxSource(url=url, sha256=SHA256), Storage(storage))


def test_what_no_onnx_can_be_is_not_downloaded_whole(
    storage: Path, file_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "_LARGEST_BYTES", 3)
    with pytest.raises(SourceError, match="is larger than 3 bytes"):
        onnx_from_source(OnnxSource(url=file_url, sha256=SHA256), Storage(storage))
