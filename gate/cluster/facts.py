"""What is running, from what the stack's outputs and Kubernetes' objects say."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.smoke import has_ended
from gate.evidence.document import Gpu, Subject

_TEMPLATE = "pod-template-hash"
_DRIVER = "nvidia.com/cuda.driver-version.full"


def subject_from_cluster(
    *,
    commit: str,
    stack: str,
    outputs: Mapping[str, Any],
    pods: Sequence[Mapping[str, Any]],
    nodes: Sequence[Mapping[str, Any]] = (),
) -> Subject:
    """Gather who and what a stack is.

    Args:
        commit: of the program that declared it.
        stack: its name.
        outputs: url, modelName, planId, manifest, namespace.
        pods: the stack's Triton pods as the Kubernetes API gives them; `newest_pods` chooses among them.
        nodes: the cluster's, as far as they are known; GPU feature discovery labels them with their driver.
    """
    newest = newest_pods(pods)
    names = {pod["spec"]["nodeName"] for pod in newest if pod["spec"].get("nodeName")}
    return Subject(
        commit=commit,
        stack=stack,
        namespace=outputs["namespace"],
        plan_id=outputs["planId"],
        manifest_sha256=manifest_sha256(outputs["manifest"]),
        images=images_from_pods(newest),
        nodes=tuple(sorted(names)),
        gpu=_gpu(outputs["manifest"], [node for node in nodes if node["metadata"]["name"] in names]),
        model_name=outputs["modelName"],
        url=outputs["url"],
    )


def newest_pods(pods: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the pods of the newest template: a rollout that is under way, or stuck, has the last release's too."""
    pods = [pod for pod in pods if not has_ended(pod)]
    if not pods:
        return []
    newest = max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    return [pod for pod in pods if _template(pod) == _template(newest)]


def images_from_pods(pods: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return each container's image with the digest that the node reports.

    A node names what it pulled by the registry's digest, and what was loaded into it by the image's own id. An image
    that it does not have yet is named without either.
    """
    statuses = [
        container
        for pod in pods
        for container in (
            *pod["status"].get("initContainerStatuses", []),
            *pod["status"].get("containerStatuses", []),
        )
    ]
    return {status["name"]: _image(status) for status in sorted(statuses, key=lambda status: bool(status["imageID"]))}


def manifest_sha256(manifest: Mapping[str, Any]) -> str:
    """Return the digest of a manifest as canonical JSON.

    1 and 1.0 are the same number: a manifest that has passed through Pulumi has the digest of the one that the build
    has written.
    """
    text = json.dumps(_canonical(manifest), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _template(pod: Mapping[str, Any]) -> object:
    return pod["metadata"].get("labels", {}).get(_TEMPLATE)


def _image(status: Mapping[str, Any]) -> str:
    image, reported = str(status["image"]), str(status["imageID"]).rpartition("://")[2]
    if not reported or "@" in reported:
        return reported or image
    return f"{image}@{reported}"


def _gpu(manifest: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> Gpu | None:
    """The GPU that the plan was built for, which the pods compared with their own, and the driver of their nodes."""
    tensorrt = manifest.get("tensorrt")
    if tensorrt is None:
        return None
    gpu = tensorrt["gpu"]
    drivers = {node["metadata"].get("labels", {}).get(_DRIVER, "") for node in nodes} - {""}
    return Gpu(
        product=gpu["product"],
        compute_capability=gpu["computeCapability"],
        driver=", ".join(sorted(drivers)) or gpu["driver"],
    )


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
