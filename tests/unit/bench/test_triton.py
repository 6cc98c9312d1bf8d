"""How a Triton is started and ended, by a program of its name."""

import sys
import urllib.request
from pathlib import Path

import pytest

from bench.triton import TritonStartError, missing_triton, running_triton

_SERVES = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/v2/models/mug/ready" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
options = dict(option.split("=", 1) for option in sys.argv[1:] if "=" in option)
http.server.HTTPServer((options["--http-address"], int(options["--http-port"])), Ready).serve_forever()
"""
_ENDS = """
import sys
print("E: the plan is of another TensorRT")
sys.exit(3)
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return tmp_path / "repository"


def install(repository: Path, program: str) -> None:
    file = repository.parent / "bin" / "tritonserver"
    file.write_text(f"#!{sys.executable}\n{program}")
    file.chmod(0o755)


def test_a_triton_runs_as_long_as_it_is_asked(repository: Path) -> None:
    install(repository, _SERVES)
    with running_triton(repository, "mug") as url, urllib.request.urlopen(f"{url}/v2/models/mug/ready") as answer:
        assert answer.status == 200
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/v2/models/mug/ready")


def test_a_triton_that_ends_is_told_with_its_log(repository: Path) -> None:
    install(repository, _ENDS)
    reason = r"^tritonserver does not serve mug; status 3 after .*: E: the plan is of another TensorRT$"
    with pytest.raises(TritonStartError, match=reason), running_triton(repository, "mug"):
        pass


def test_without_one_the_reason_is_said(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = repository.parent / "tensorrt"
    monkeypatch.setattr("bench.triton._BACKEND", backend)
    install(repository, _ENDS)
    assert missing_triton() == f"there is no tritonserver on PATH with {backend}"
    backend.mkdir()
    assert missing_triton() == ""
    (repository.parent / "bin" / "tritonserver").unlink()
    assert missing_triton() == f"there is no tritonserver on PATH with {backend}"
