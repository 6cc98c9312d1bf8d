"""Nodes and pods as the Kubernetes API gives them, as far as GPUs are concerned."""

from typing import Any

PRODUCT = "nvidia.com/gpu.product"
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


def node(name: str = "gpu-1", gpus: int | None = 2, *, ready: bool = True, **changes: Any) -> dict[str, Any]:
    """A node with H800s and the taint that comes with them; a change of the labels replaces them."""
    allocatable = {"cpu": "96"} if gpus is None else {"nvidia.com/gpu": str(gpus)}
    return {
        "metadata": {"name": name, "labels": changes.get("labels", {"pool": "gpu", PRODUCT: "NVIDIA-H800"})},
        "spec": {"taints": changes.get("taints", [GPU_TAINT]), "unschedulable": changes.get("cordoned", False)},
        "status": {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def container(gpus: int) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": "1", "nvidia.com/gpu": str(gpus)}}} if gpus else {}


def pod(name: str, gpus: int = 1, *, on: str | None = "gpu-1", **changes: Any) -> dict[str, Any]:
    """A pod of somebody else."""
    return {
        "metadata": {
            "name": name,
            "namespace": changes.get("namespace", "others"),
            "labels": changes.get("labels"),
        },
        "spec": {
            **({"nodeName": on} if on else {}),
            "containers": [container(gpus), container(0)],
            "initContainers": [container(changes.get("initial", 0))],
        },
        "status": {"phase": changes.get("phase", "Running")},
    }


def triton(name: str, on: str = "gpu-1") -> dict[str, Any]:
    """A serving pod of the stack."""
    return pod(name, on=on, namespace="triton-h800", labels={"app.kubernetes.io/name": "triton"}, initial=1)
