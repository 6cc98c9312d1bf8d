"""What must hold between the groups of a stack with GPUs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infra.config.faults import Fault, shown
from infra.config.node_pools import KarpenterNodePool
from infra.config.storages import ClaimStorage, HostPathStorage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.config.faults import StackFile
    from infra.config.groups import BatchProfile

PATCHED_RELEASE = "26.07"
"""The oldest release of Triton without published vulnerabilities, in August 2026."""

ACCEPTED_RELEASE = "densenet-triton/accepted-release"
"""Annotation of a Deployment: the release that its stack accepts, although vulnerabilities of it are published."""

_RELEASE = re.compile(r"triton[^/:@]*:(?P<release>[0-9]{2}\.[0-9]{2})(?=[-@]|$)")
_NVIDIAS = re.compile(r"/tritonserver(?=[:@]|$)")


def gpu_faults(right: Mapping[str, Any], file: StackFile) -> list[Fault]:
    """Check target, precision, node pool and GPUs against each other.

    Args:
        right: values that are right by themselves, by dotted key; a rule about a missing one is left out.
        file: the stack's file, for the edits that mend.
    """
    target = right.get("model.target")
    return [
        *_target_faults(target, right.get("serving.gpusPerReplica"), right.get("nodePool"), file),
        *_precision_faults(target, right.get("model.precision"), file),
        *_batch_faults(right.get("model.batchProfile"), right.get("model.maxBatchSize"), target, file),
        *_spare_faults(right.get("nodePool"), right.get("serving.gpusPerReplica"), file),
        *_limit_faults(right, file),
        *_sharing_faults(right.get("nodePool"), right.get("storage"), file),
        *_release_faults(right, file),
    ]


def _target_faults(target: str | None, gpus: int | None, pool: Any, file: StackFile) -> Iterator[Fault]:
    if target == "tensorrt":
        if gpus == 0:
            yield Fault(
                key="serving.gpusPerReplica",
                found="is 0, and a TensorRT plan runs on a GPU",
                accepted="at least 1 with model.target tensorrt",
                mend=file.setting("serving.gpusPerReplica", 1),
            )
        if pool is not None and pool.gpu_product is None:
            yield Fault(
                key="nodePool.gpuProduct",
                found="is missing, and a TensorRT plan is built for one GPU product",
                accepted="the value of the nodes' label nvidia.com/gpu.product",
                mend=file.setting("nodePool.gpuProduct", "NVIDIA-H800"),
            )
    elif target == "onnxruntime" and isinstance(pool, KarpenterNodePool):
        yield Fault(
            key="nodePool.kind",
            found='is "karpenter", whose nodes are for pods with GPUs, and model.target onnxruntime serves on CPU',
            accepted="existing with model.target onnxruntime",
            mend=file.setting("nodePool", {"kind": "existing"}),
        )
    elif target == "onnxruntime" and gpus:
        yield Fault(
            key="serving.gpusPerReplica",
            found=f"is {gpus}, and model.target onnxruntime serves on CPU",
            accepted="0 with model.target onnxruntime",
            mend=file.setting("serving.gpusPerReplica", 0),
        )


def _precision_faults(target: str | None, precision: str | None, file: StackFile) -> Iterator[Fault]:
    if target == "onnxruntime" and precision in {"tf32", "fp16"}:
        yield Fault(
            key="model.precision",
            found=f'is "{precision}", and model.target onnxruntime computes in fp32',
            accepted="fp32 with model.target onnxruntime",
            mend=file.setting("model.precision", "fp32"),
        )


def _batch_faults(
    profile: BatchProfile | None, max_batch_size: int | None, target: str | None, file: StackFile
) -> Iterator[Fault]:
    if profile is None:
        return
    if profile.typical > profile.largest:
        yield Fault(
            key="model.batchProfile.typical",
            found=f"is {profile.typical}",
            accepted=f"1 to batchProfile.largest = {profile.largest}",
            mend=file.setting("model.batchProfile.typical", profile.largest),
        )
    if target == "tensorrt" and max_batch_size is not None and max_batch_size > profile.largest:
        yield Fault(
            key="model.maxBatchSize",
            found=f"is {max_batch_size}",
            accepted=f"0 to batchProfile.largest = {profile.largest}, the largest batch of the plan",
            mend=file.setting("model.maxBatchSize", profile.largest),
        )


def _spare_faults(pool: Any, gpus: int | None, file: StackFile) -> Iterator[Fault]:
    if pool is not None and gpus is not None and 0 < pool.spare_gpus < gpus:
        yield Fault(
            key="nodePool.spareGpus",
            found=f"is {pool.spare_gpus}, and one more replica needs {gpus}",
            accepted=f"0, or at least serving.gpusPerReplica = {gpus}",
            mend=file.setting("nodePool.spareGpus", gpus),
        )


def _limit_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    pool, replicas, gpus = (right.get(key) for key in ("nodePool", "serving.replicas", "serving.gpusPerReplica"))
    if not isinstance(pool, KarpenterNodePool) or replicas is None or gpus is None:
        return
    needed = replicas * gpus + pool.spare_gpus
    if pool.gpu_limit < needed:
        yield Fault(
            key="nodePool.gpuLimit",
            found=f"is {pool.gpu_limit}, and {replicas} replicas x {gpus} + {pool.spare_gpus} spare are {needed} GPUs",
            accepted=f"at least {needed}, or fewer serving.replicas",
            mend=file.setting("nodePool.gpuLimit", needed),
        )


def _sharing_faults(pool: Any, storage: Any, file: StackFile) -> Iterator[Fault]:
    """The nodes that Karpenter launches come and go: what they mount must be mountable on any of them."""
    if not isinstance(pool, KarpenterNodePool):
        return
    if isinstance(storage, HostPathStorage):
        yield Fault(
            key="storage",
            found="is a folder of one node, and Karpenter's nodes come and go",
            accepted="kind claim with accessMode ReadWriteMany, or nfs",
            mend=file.setting("storage", {"kind": "claim"}),
        )
    elif isinstance(storage, ClaimStorage) and storage.access_mode == "ReadWriteOnce":
        yield Fault(
            key="storage.accessMode",
            found="is ReadWriteOnce, which binds every pod to one node, and Karpenter's come and go",
            accepted="ReadWriteMany with nodePool.kind karpenter",
            mend=file.setting("storage.accessMode", "ReadWriteMany"),
        )


def release_from_image(image: str) -> str | None:
    """The release of Triton that an image's reference names, such as "24.01"; None where it names none."""
    match = _RELEASE.search(image)
    return match["release"] if match else None


def hides_release(image: str) -> bool:
    """Whether an image is NVIDIA's Triton and does not say which release of it."""
    return release_from_image(image) is None and _NVIDIAS.search(image) is not None


def _release_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    """An image with known vulnerabilities is served only where somebody has said so, for that very release."""
    if "serving.image" not in right or "serving.acceptVulnerableRelease" not in right:
        return
    image, accepted = right["serving.image"], right["serving.acceptVulnerableRelease"]
    release = release_from_image(image)
    if release is None:
        if hides_release(image) and accepted is None:
            yield Fault(
                key="serving.image",
                found=f"is {shown(image)}, which does not say its release",
                accepted="the release's tag, beside the digest if there is one; or serving.acceptVulnerableRelease",
                mend=file.setting("serving.image", f"nvcr.io/nvidia/tritonserver:{PATCHED_RELEASE}-py3"),
            )
    elif release < PATCHED_RELEASE and accepted != release:
        yield Fault(
            key="serving.image",
            found=f"is {shown(image)}, and vulnerabilities of release {release} are published",
            accepted=f"release {PATCHED_RELEASE} or newer; or serving.acceptVulnerableRelease: '{release}', knowingly",
            mend=file.setting("serving.image", f"nvcr.io/nvidia/tritonserver:{PATCHED_RELEASE}-py3"),
        )
    elif accepted and release >= PATCHED_RELEASE:
        yield Fault(
            key="serving.acceptVulnerableRelease",
            found=f"is {shown(accepted)}, and serving.image is {shown(image)}",
            accepted=f"the release that serving.image names, where it is older than {PATCHED_RELEASE}",
            mend=file.removing("serving.acceptVulnerableRelease"),
        )
