"""Verify a mounted model repository against its manifest, before Triton starts.

Runs as the pod's init container: plain Python 3.8, no packages but ours that lie beside it. The manifest
must be the one that the build reported: its digest came to this pod through Kubernetes, not over the storage, so that
who can write the storage can't change a file together with what vouches for it. Every file must have the digest that
the manifest records, none may be missing, none may be there that the manifest does not name, none may be writable
here, and the plan must be the one that this pod was declared with, built for the same expected pictures. A TensorRT
plan runs only where it was built: libnvinfer and NVML themselves are asked which TensorRT and which GPUs this pod has.

    python3 verify_repository.py --repository /mnt/model --expected /proof/expected.json
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.digest import sha256_of_file
from contract.errors import ManifestError
from contract.expectation import expectation_from_fields
from contract.fields import Fields
from contract.manifest import manifest_from_json
from contract.served import MANIFEST_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contract.manifest import Manifest

_MOST_LINES = 20
_TENSORRT_MAJORS = range(20, 7, -1)  # newest first; a machine has one
_FIVE_DIGITS = 10_000
_NVML = "libnvidia-ml.so.1"
_NAME_BYTES = 96


class RepositoryError(Exception):
    """The repository can't even be compared."""


class PlatformError(Exception):
    """TensorRT, the driver or a GPU is missing in this pod."""


class Gpu(NamedTuple):
    """A GPU: the product, spelled as in the node label nvidia.com/gpu.product, and the capability, such as 9.0."""

    product: str
    capability: str

    def __str__(self) -> str:
        return f"{self.product}, sm_{self.capability.replace('.', '')}"


class Platform(NamedTuple):
    """What executes plans: TensorRT's version, major.minor.patch, and every GPU that there is, with their driver."""

    tensorrt: str
    gpus: Sequence[Gpu]
    driver: str


def main() -> int:
    """Print every difference, one a line; the exit status says whether there is any."""
    parser = argparse.ArgumentParser(description="Verify a model repository against its manifest.")
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--expected", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        expected = json.loads(arguments.expected.read_text(encoding="utf-8"))
        manifest = manifest_from_repository(arguments.repository, expected["manifestSha256"])
        found = [
            *differences(arguments.repository, manifest, expected),
            *platform_differences(manifest.tensorrt, expected["gpuProduct"]),
        ]
    except (RepositoryError, OSError) as error:
        found = [str(error)]
    if found:
        more = [f"and {len(found) - _MOST_LINES} more"] if len(found) > _MOST_LINES else []
        sys.stdout.write("\n".join(map(printable, [*found[:_MOST_LINES], *more])) + "\n")
        return 1
    sys.stdout.write(f"plan {manifest.plan_id}: {len(manifest.files)} files are as published\n")
    return 0


def printable(text: str) -> str:
    """One line of a text with a file's name in it, whatever bytes that has."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def manifest_from_repository(repository: Path, sha256: str) -> Manifest:
    """Read the repository's manifest.

    Args:
        repository: the mounted folder.
        sha256: of the manifest that the build reported.

    Raises:
        RepositoryError: there is none, it is another one, or one that this version does not read.
    """
    try:
        data = (repository / MANIFEST_FILE).read_bytes()
    except FileNotFoundError:
        there = sorted(path.name for path in repository.iterdir()) if repository.is_dir() else []
        raise RepositoryError(
            f"no {MANIFEST_FILE} in the repository; there is: {', '.join(there) or 'nothing'}"
        ) from None
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise RepositoryError(
            f"{MANIFEST_FILE}: sha256 {digest} ({len(data)} bytes), reported by the build was {sha256}"
        )
    try:
        return manifest_from_json(data.decode())
    except (ManifestError, UnicodeDecodeError) as error:
        raise RepositoryError(f"{MANIFEST_FILE}: {error}") from error


def differences(repository: Path, manifest: Manifest, expected: dict[str, Any]) -> Iterator[str]:
    """Yield a line for everything that is not as published, or not as declared."""
    has = {"planId": manifest.plan_id, "model": manifest.model, "maxBatchSize": manifest.max_batch_size}
    for key, value in has.items():
        if value != expected[key]:
            yield f"{key}: the repository has {value!r}, this pod was declared with {expected[key]!r}"
    yield from picture_differences(manifest, expected)
    yield from file_differences(repository, manifest.files)


def picture_differences(manifest: Manifest, expected: dict[str, Any]) -> Iterator[str]:
    """Yield a line for every expected picture that the plan was not built with, or not with the same expectation."""
    golden = {picture.sha256: picture.expectation for picture in manifest.golden.pictures}
    for picture in expected["pictures"]:
        sha256, declared = picture["sha256"], expectation_from_fields(Fields(picture))
        found = golden.get(sha256)
        if found is None:
            yield f"picture {sha256}: not in the manifest"
        elif found != declared:
            yield (
                f"picture {sha256}: the repository has {json.dumps(found.document())}, "
                f"this pod was declared with {json.dumps(declared.document())}"
            )


def file_differences(repository: Path, named: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for every file that is not as published.

    Args:
        repository: the mounted folder.
        named: SHA-256 of each file that must be there, by its POSIX path in the repository.
    """
    there = {path.relative_to(repository).as_posix(): path for path in sorted(repository.rglob("*"))}
    files = {name: path for name, path in there.items() if path.is_symlink() or not path.is_dir()}
    writable = [name for name, path in {".": repository, **there}.items() if os.access(path, os.W_OK)]
    if writable:
        yield f"{writable[0]}: writable in this pod, which executes what it holds; the mount must be read-only"
    for name in sorted(set(named) - set(files)):
        yield f"{name}: missing"
    for name in sorted(set(files) - set(named) - {MANIFEST_FILE}):
        yield f"{name}: not in the manifest"
    for name in sorted(set(files) & set(named)):
        if files[name].is_symlink():
            yield f"{name}: a symbolic link"
            continue
        digest = sha256_of_file(files[name])
        if digest != named[name]:
            size_bytes = files[name].stat().st_size
            yield f"{name}: sha256 {digest} ({size_bytes} bytes), published was {named[name]}"


def platform_differences(tensorrt: Any, gpu_product: str | None) -> Iterator[str]:
    """Yield a line where a plan was not built for this pod.

    Args:
        tensorrt: what the manifest says of the plan; None where there is none, and then nobody is asked.
        gpu_product: the product that the pod was declared with, None on CPU.
    """
    if tensorrt is None and gpu_product is None:
        return
    try:
        version = str(tensorrt["version"])
        built_for = Gpu(str(tensorrt["gpu"]["product"]), str(tensorrt["gpu"]["computeCapability"]))
    except (KeyError, TypeError):
        yield f"{MANIFEST_FILE} names no TensorRT version and no GPU, this pod was declared with {gpu_product!r}"
        return
    if built_for.product != gpu_product:
        yield f"gpuProduct: the plan is for {built_for.product!r}, this pod was declared with {gpu_product!r}"
    try:
        here = this_platform()
    except PlatformError as error:
        yield str(error)
        return
    if here.tensorrt != version or set(here.gpus) != {built_for}:
        gpus = " and ".join(str(gpu) for gpu in here.gpus)
        yield (
            f"plan: TensorRT {version} for {built_for}; "
            f"this pod: TensorRT {here.tensorrt}, {gpus} (driver {here.driver}); "
            "correct nodePool, serving.image or model.plan"
        )


def this_platform() -> Platform:
    """Ask libnvinfer and NVML.

    Raises:
        PlatformError: one of them does not answer, or there is no GPU.
    """
    tensorrt = tensorrt_version()
    try:
        nvml = ctypes.CDLL(_NVML)
    except OSError as error:
        cure = "install it on the node, or set serving.runtimeClass where only that runtime passes it on"
        raise PlatformError(f"no NVIDIA driver in this pod ({error}): {cure}") from error
    ask(nvml, "nvmlInit_v2")
    driver = ctypes.create_string_buffer(_NAME_BYTES)
    ask(nvml, "nvmlSystemGetDriverVersion", driver, _NAME_BYTES)
    count = ctypes.c_uint()
    ask(nvml, "nvmlDeviceGetCount_v2", ctypes.byref(count))
    if not count.value:
        cure = "serving.gpusPerReplica must be 1, and the node's device plugin offer nvidia.com/gpu"
        raise PlatformError(f"no GPU in this pod (driver {driver.value.decode()}): {cure}")
    gpus = [gpu_from_nvml(nvml, index) for index in range(count.value)]
    return Platform(tensorrt, gpus, driver.value.decode())


def tensorrt_version() -> str:
    """The version of this image's libnvinfer, as it says itself.

    It is found by its name: ctypes.util.find_library would start ldconfig and a compiler, and want a folder to
    write to.

    Raises:
        PlatformError: there is none, or it does not load.
    """
    for name in [f"libnvinfer.so.{major}" for major in _TENSORRT_MAJORS]:
        try:
            number = ctypes.CDLL(name).getInferLibVersion()
        except OSError as error:
            if not str(error).startswith(f"{name}: cannot open"):
                raise PlatformError(f"the TensorRT of this image, {name}, does not load: {error}") from error
        else:
            return ".".join(map(str, version_from_number(number)))
    raise PlatformError("no TensorRT in this image (libnvinfer): serving.image must be a Triton with TensorRT")


def version_from_number(number: int) -> tuple[int, int, int]:
    """Decode what getInferLibVersion returns: 8601 is 8.6.1, and since TensorRT 10, 100600 is 10.6.0."""
    major, rest = divmod(number, 1_000 if number < _FIVE_DIGITS else 10_000)
    return major, rest // 100, rest % 100


def gpu_from_nvml(nvml: ctypes.CDLL, index: int) -> Gpu:
    """One GPU that the pod sees."""
    device = ctypes.c_void_p()
    ask(nvml, "nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(device))
    name = ctypes.create_string_buffer(_NAME_BYTES)
    ask(nvml, "nvmlDeviceGetName", device, name, _NAME_BYTES)
    major, minor = ctypes.c_int(), ctypes.c_int()
    ask(nvml, "nvmlDeviceGetCudaComputeCapability", device, ctypes.byref(major), ctypes.byref(minor))
    return Gpu("-".join(name.value.decode().split()), f"{major.value}.{minor.value}")


def ask(nvml: ctypes.CDLL, function: str, *arguments: Any) -> None:
    """Call one function of NVML.

    Raises:
        PlatformError: with NVML's reason.
    """
    status = getattr(nvml, function)(*arguments)
    if status != 0:
        nvml.nvmlErrorString.restype = ctypes.c_char_p
        reason = nvml.nvmlErrorString(status).decode()
        raise PlatformError(
            f"the NVIDIA driver refuses {function} ({reason}): mend it on the node; nvidia-smi says the same there"
        )


if __name__ == "__main__":
    sys.exit(main())
