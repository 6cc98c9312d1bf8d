"""Which TensorRT this is: by rules here, and by the real libraries and bindings where they are installed."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_build.errors import DeviceError
from model_build.tensorrt import library
from model_build.tensorrt.library import loaded_bindings, version_from_number
from tools.cache import Cache
from tools.tensorrt import environment_of, releases, tensorrt_folder

REPOSITORY = Path(__file__).resolve().parents[4]
VERSIONS = [version for version, release in releases().items() if tensorrt_folder(release, Cache.of_user()).is_dir()]
REASON = "TensorRT is not installed: python3 -m tools tensorrt 10.6.0"


@pytest.mark.parametrize(
    ("number", "version"),
    [(8601, (8, 6, 1)), (8510, (8, 5, 10)), (100600, (10, 6, 0)), (101303, (10, 13, 3)), (110201, (11, 2, 1))],
)
def test_libnvinfer_s_number_is_a_version(number: int, version: tuple[int, int, int]) -> None:
    assert version_from_number(number) == version


def found(monkeypatch: pytest.MonkeyPatch, *, number: int | None, bindings: str | None) -> None:
    def load(name: str) -> SimpleNamespace:
        if number is None or name != "libnvinfer.so.10":
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")
        return SimpleNamespace(getInferLibVersion=lambda: number)

    monkeypatch.setattr(ctypes, "CDLL", load)
    packages = {} if bindings is None else {"tensorrt_bindings": ["tensorrt-cu12-bindings"]}
    monkeypatch.setattr(library, "packages_distributions", lambda: packages)
    monkeypatch.setattr(library, "version", lambda _: bindings)


@pytest.mark.parametrize(
    ("number", "bindings", "reason"),
    [
        (
            101303,
            "10.13.2.6",
            r"^libnvinfer is 10\.13\.3, but the Python bindings are 10\.13\.2; accepted: bindings of",
        ),
        (100600, "10.6.0.post1", r"^TensorRT's Python bindings 10\.6\.0 do not load: No module named"),
        (100600, None, r"^TensorRT's Python bindings are not installed; accepted: the image model-build-tensorrt"),
        (None, "10.6.0", r"^there is no TensorRT here: no libnvinfer\.so is found; accepted: "),
    ],
)
def test_what_does_not_belong_together_is_refused(
    monkeypatch: pytest.MonkeyPatch, *, number: int | None, bindings: str | None, reason: str
) -> None:
    found(monkeypatch, number=number, bindings=bindings)
    with pytest.raises(DeviceError, match=reason):
        loaded_bindings()


def test_a_library_that_does_not_load_is_not_one_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        missing = "libcudnn.so.9" if name == "libnvinfer.so.10" else name
        raise OSError(f"{missing}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", load)
    with pytest.raises(DeviceError, match=r"^the TensorRT that is here, libnvinfer\.so\.10, does not load: libcudnn"):
        library.library_version()


def test_libraries_of_pypi_are_loaded_before_they_are_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tensorrt_libs.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    loaded = SimpleNamespace(getInferLibVersion=lambda: 110400)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: {True: loaded}["tensorrt_libs" in sys.modules])
    assert library.library_version() == (11, 4, 0)
    monkeypatch.delitem(sys.modules, "tensorrt_libs")


_SAID = """
import sys
from model_build.errors import DeviceError
try:
    {code}
except DeviceError as error:
    print("refused:", error)
"""


def said(code: str, *, version: str, libraries_of: str | None = None) -> str:
    """Run code with the libraries and the bindings of two releases, and return what it prints."""
    own, other = (
        dict(
            part.split("=", 1)
            for part in environment_of(tensorrt_folder(releases()[name], Cache.of_user())).split()[1:]
        )
        for name in (version, libraries_of or version)
    )
    environment = {**os.environ, "PYTHONPATH": own["PYTHONPATH"], "LD_LIBRARY_PATH": other["LD_LIBRARY_PATH"]}
    result = subprocess.run(
        [sys.executable, "-c", _SAID.format(code=code)],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.strip()


@pytest.mark.skipif(not VERSIONS, reason=REASON)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_real_library_and_the_real_bindings_agree(version: str) -> None:
    code = (
        "from model_build.tensorrt.library import bindings_version, library_version, loaded_bindings; "
        "module, found = loaded_bindings(); import tensorrt; "
        "print(module is tensorrt, module.__version__, found == library_version() == bindings_version(), found)"
    )
    assert said(code, version=version) == f"True {version} True ({version.replace('.', ', ')})"


@pytest.mark.skipif(set(VERSIONS) != set(releases()), reason=f"{REASON}, and the others that it lists")
def test_real_bindings_of_another_version_are_refused_before_they_are_loaded() -> None:
    code = "from model_build.tensorrt.library import loaded_bindings; loaded_bindings()"
    text = said(code, version="8.6.1", libraries_of="10.6.0")
    assert text.startswith("refused: libnvinfer is 10.6.0, but the Python bindings are 8.6.1; accepted: ")


@pytest.mark.skipif(not VERSIONS, reason=REASON)
@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there is a driver here: tests/gpu is what to run")
@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_driver_the_reason_is_said_where_tensorrt_itself_would_crash(version: str) -> None:
    code = "from model_build.tensorrt.local import local_device; local_device()"
    text = said(code, version=version)
    assert text.startswith("refused: there is no NVIDIA driver here (libnvidia-ml.so.1 cannot be loaded); accepted: ")


@pytest.mark.skipif(not VERSIONS, reason=REASON)
@pytest.mark.parametrize("version", VERSIONS)
def test_polygraphy_s_loaders_take_what_a_plan_is_compiled_with(version: str) -> None:
    code = (
        "from threading import Event; "
        "from model_build.tensorrt.library import loaded_bindings; trt, version = loaded_bindings(); "
        "from model_build.tensorrt.faults import send_to_log; send_to_log(); "
        "from model_build.tensorrt.interruption import progress_until; "
        "from model_build.tensorrt.device import BatchProfile; "
        "from model_build.tensorrt.settings import build_settings; "
        "settings = build_settings(version, 'tf32', batches=BatchProfile(typical=8, largest=64), "
        "image_shape=(3, 224, 224), workspace_mib=1); "
        "from polygraphy.backend import trt as loaders; "
        "loaders.NetworkFromOnnxBytes(b'', strongly_typed=settings.strongly_typed); "
        "profiles = [loaders.Profile().add('input', *shapes) for shapes in settings.input_shapes()]; "
        "monitor = progress_until(Event(), trt); "
        "loaders.CreateConfig(tf32=settings.tf32, profiles=profiles, progress_monitor=monitor, "
        "memory_pool_limits={trt.MemoryPoolType.WORKSPACE: settings.workspace_bytes}); "
        "print(len(profiles), monitor is None or monitor.step_complete('phase', 0), "
        "not settings.strongly_typed or trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED is not None, "
        "all(map(hasattr, [trt.IBuilderConfig] * 3 + [trt.ITimingCache] + [trt.ICudaEngine] * 2, "
        "['create_timing_cache', 'set_timing_cache', 'get_timing_cache', 'serialize', "
        "'num_optimization_profiles', 'get_tensor_profile_shape'])))"
    )
    assert said(code, version=version) == "2 True True True"


def test_onnxruntime_needs_none_of_it() -> None:
    code = "import sys, model_build.__main__; print({'polygraphy', 'onnxconverter_common'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=REPOSITORY, timeout=60
    )
    assert result.stdout == "set()\n"
