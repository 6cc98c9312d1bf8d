"""The script that an image's build runs: against a stood-in libnvinfer, and the real one where it is installed."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools.cache import Cache
from tools.tensorrt import releases, tensorrt_folder

IMAGE = Path(__file__).resolve().parents[3] / "images" / "model-build-tensorrt"
SCRIPT = IMAGE / "choose_bindings.py"
INSTALLED = [version for version, release in releases().items() if tensorrt_folder(release, Cache.of_user()).is_dir()]


def run(monkeypatch: pytest.MonkeyPatch, number: int | None, *, missing: str = "") -> None:
    """Run the script in an image whose newest libnvinfer gives a number, or misses a library itself."""

    def load(name: str) -> SimpleNamespace:
        if number is None or name not in {"libnvinfer.so.10", "libnvinfer.so.8"}:
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")
        if missing:
            raise OSError(f"{missing}: cannot open shared object file: No such file or directory")
        return SimpleNamespace(getInferLibVersion=lambda: number if name == "libnvinfer.so.10" else 8601)

    monkeypatch.setattr("ctypes.CDLL", load)
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(IMAGE / "bindings")])
    runpy.run_path(str(SCRIPT), run_name="__main__")


@pytest.mark.parametrize(
    ("number", "lock"), [(8601, "8.6.1"), (100600, "10.6.0"), (101303, "10.13.3"), (110201, "11.2.1")]
)
def test_the_library_s_exact_version_chooses_the_lock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, lock: str
) -> None:
    run(monkeypatch, number)
    assert capsys.readouterr().out == f"{IMAGE}/bindings/{lock}.lock\n"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (
            100601,
            "error: the serving image has TensorRT 10.6.1, for which there is no lock; accepted: 8.6.1, 10.6.0, ",
        ),
        (None, "error: the image that SERVING names has no libnvinfer; accepted: a Triton image with TensorRT"),
    ],
)
def test_without_a_lock_the_build_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, *, number: int | None, reason: str
) -> None:
    with pytest.raises(SystemExit) as raised:
        run(monkeypatch, number)
    assert str(raised.value).startswith(reason)
    assert "\n" not in str(raised.value)


def test_a_library_that_does_not_load_is_not_one_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as raised:
        run(monkeypatch, 100600, missing="libcudnn.so.9")
    assert str(raised.value) == (
        "error: libnvinfer.so.10 of the image that SERVING names does not load: libcudnn.so.9: cannot open shared "
        "object file: No such file or directory; accepted: a Triton image with TensorRT"
    )


@pytest.mark.parametrize("lock", sorted((IMAGE / "bindings").glob("*.lock")), ids=lambda path: path.stem)
def test_each_lock_is_of_the_version_that_it_is_named_for(lock: Path) -> None:
    requirement, *hashes = lock.read_text().replace("\\\n", " ").split()
    name, _, version = requirement.partition("==")
    assert name.startswith("tensorrt-")
    assert name.endswith("bindings")
    assert version.split(".")[:3] == lock.stem.split(".")
    assert hashes
    assert all(digest.startswith("--hash=sha256:") for digest in hashes)


def test_the_locked_uv_is_the_tools_own() -> None:
    assert (IMAGE / "uv.lock").read_text() == (IMAGE.parents[1] / "tools" / "uv.lock").read_text()


@pytest.mark.skipif(not INSTALLED, reason="TensorRT is not installed: python3 -m tools tensorrt 10.6.0")
@pytest.mark.parametrize("version", INSTALLED)
def test_the_real_library_is_asked(version: str) -> None:
    library = tensorrt_folder(releases()[version], Cache.of_user()) / "lib"
    result = subprocess.run(
        [sys.executable, "-I", SCRIPT, IMAGE / "bindings"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "LD_LIBRARY_PATH": str(library)},
    )
    assert result.stdout == f"{IMAGE}/bindings/{version}.lock\n"
