"""What is asked of NVML and CUDA, and what is said where they refuse; the libraries are stood in for at ctypes."""

import ctypes
from typing import Any

import pytest

from model_build.errors import DeviceError
from model_build.tensorrt.device import Gpu
from model_build.tensorrt.gpu import present_gpu

NVML_SYMBOLS = {
    "nvmlDeviceGetCudaComputeCapability",
    "nvmlDeviceGetHandleByPciBusId_v2",
    "nvmlDeviceGetName",
    "nvmlErrorString",
    "nvmlInit_v2",
    "nvmlSystemGetDriverVersion",
}
CUDA_SYMBOLS = {"cudaDeviceGetPCIBusId", "cudaGetDeviceCount", "cudaGetErrorString"}


class Library:
    """Functions that write what they are told to through their pointers, and return a status.

    As in the real library there is no other function than those that it exports.
    """

    def __init__(self, symbols: set[str], **answers: Any) -> None:
        assert answers.keys() <= symbols
        self._symbols, self._answers = symbols, answers

    def __getattr__(self, name: str) -> Any:
        if name not in self._symbols:
            raise AttributeError(f"undefined symbol: {name}")
        answer = self._answers.get(name, 0)

        def function(*arguments: Any) -> Any:
            if isinstance(answer, bytes) and name.endswith("ErrorString"):
                return answer
            if isinstance(answer, bytes):
                next(each for each in arguments if isinstance(each, ctypes.Array)).value = answer
            elif isinstance(answer, tuple):
                for pointer, value in zip(arguments[1:], answer, strict=True):
                    pointer._obj.value = value  # noqa: SLF001 - byref's object
            return answer if isinstance(answer, int) else 0

        self.__dict__[name] = function
        return function


NVML = {
    "nvmlDeviceGetName": b"NVIDIA H800",
    "nvmlDeviceGetCudaComputeCapability": (9, 0),
    "nvmlSystemGetDriverVersion": b"550.54.15",
    "nvmlErrorString": b"Driver Not Loaded",
}
CUDA = {"cudaDeviceGetPCIBusId": b"0000:18:00.0", "cudaGetErrorString": b"no CUDA-capable device is detected"}


def gpu(
    monkeypatch: pytest.MonkeyPatch, *, nvml: dict[str, Any] | None = None, cuda: dict[str, Any] | None = None
) -> Gpu:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library(NVML_SYMBOLS, **NVML | (nvml or {})))
    return present_gpu(Library(CUDA_SYMBOLS, **CUDA, **(cuda or {})))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [b"NVIDIA H800", b"NVIDIA  H800 "])
def test_the_product_is_spelled_as_the_node_s_label(monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    assert gpu(monkeypatch, nvml={"nvmlDeviceGetName": name}) == Gpu(
        product="NVIDIA-H800", compute_capability="9.0", driver="550.54.15"
    )


def test_a_driver_that_does_not_run_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        DeviceError, match=r"^the NVIDIA driver does not answer: Driver Not Loaded; accepted: a machine"
    ):
        gpu(monkeypatch, nvml={"nvmlInit_v2": 9})


def test_no_gpu_is_said_in_cuda_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match=r"^CUDA does not start: error 100, no CUDA-capable device is detected; acc"):
        gpu(monkeypatch, cuda={"cudaGetDeviceCount": 100})
