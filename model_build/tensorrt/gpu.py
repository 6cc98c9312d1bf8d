"""Which GPU this is, by NVML and CUDA themselves.

It is asked before TensorRT is touched: without a working driver TensorRT ends the process.
"""

import ctypes
from typing import Final

from model_build.errors import DeviceError
from model_build.tensorrt.device import Gpu

_NVML: Final = "libnvidia-ml.so.1"
_TEXT_BYTES: Final = 96
_ACCEPTED: Final = "accepted: a machine with an NVIDIA GPU and its driver, or a pod that asks for nvidia.com/gpu"


def present_gpu(cuda: ctypes.CDLL) -> Gpu:
    """Describe the GPU that CUDA would use, the first that is visible here.

    Args:
        cuda: the CUDA runtime library, which TensorRT is run with.

    Raises:
        DeviceError: CUDA does not start: no GPU is visible, or the driver is too old for TensorRT's CUDA.
    """
    nvml = loaded_nvml()
    count = ctypes.c_int()
    _check_cuda(cuda, cuda.cudaGetDeviceCount(ctypes.byref(count)))
    bus_id = ctypes.create_string_buffer(_TEXT_BYTES)
    _check_cuda(cuda, cuda.cudaDeviceGetPCIBusId(bus_id, _TEXT_BYTES, 0))
    handle, major, minor = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
    name, driver = (ctypes.create_string_buffer(_TEXT_BYTES) for _ in range(2))
    _check_nvml(nvml, nvml.nvmlDeviceGetHandleByPciBusId_v2(bus_id, ctypes.byref(handle)))
    _check_nvml(nvml, nvml.nvmlDeviceGetName(handle, name, _TEXT_BYTES))
    _check_nvml(nvml, nvml.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor)))
    _check_nvml(nvml, nvml.nvmlSystemGetDriverVersion(driver, _TEXT_BYTES))
    return Gpu(
        product="-".join(name.value.decode().split()),
        compute_capability=f"{major.value}.{minor.value}",
        driver=driver.value.decode(),
    )


def loaded_nvml() -> ctypes.CDLL:
    """Load and start NVML, the driver's own library.

    Raises:
        DeviceError: there is no driver, or it does not run.
    """
    try:
        nvml = ctypes.CDLL(_NVML)
    except OSError as error:
        raise DeviceError(f"there is no NVIDIA driver here ({_NVML} cannot be loaded); {_ACCEPTED}") from error
    nvml.nvmlErrorString.restype = ctypes.c_char_p
    _check_nvml(nvml, nvml.nvmlInit_v2())
    return nvml


def _check_nvml(nvml: ctypes.CDLL, status: int) -> None:
    if status != 0:
        raise DeviceError(f"the NVIDIA driver does not answer: {nvml.nvmlErrorString(status).decode()}; {_ACCEPTED}")


def _check_cuda(cuda: ctypes.CDLL, status: int) -> None:
    if status != 0:
        cuda.cudaGetErrorString.restype = ctypes.c_char_p
        reason = cuda.cudaGetErrorString(status).decode()
        raise DeviceError(f"CUDA does not start: error {status}, {reason}; {_ACCEPTED}")
