"""What a stack deploys, resolved from its configuration by pure code: the images and the plan."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.config import REPOSITORY
from infra.images import reference
from infra.plan_id import PlanInputs, build_code_digest, plan_id

if TYPE_CHECKING:
    from infra.config import StackConfig

BUILD_DIGEST = "densenet-triton/build"
"""Annotation of the build's Job with its `build_digest`: whoever looks at it knows whether it will be replaced."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """The plan and the images of a stack.

    Attributes:
        plan_id: computed, or pinned by the configuration.
        builder_image: full reference.
        serving_image: full reference.
    """

    plan_id: str
    builder_image: str
    serving_image: str


def release_from_config(config: StackConfig) -> Release:
    """Resolve what a stack deploys; reads the repository's files and opens no connection."""
    serving_image = reference(config.serving.image, config.cluster.registry)
    builder_image = reference(config.model.builder, config.cluster.registry, serving=serving_image)
    computed = plan_id(_plan_inputs(config, builder_image, serving_image))
    return Release(plan_id=config.model.plan or computed, builder_image=builder_image, serving_image=serving_image)


def stack_key(config: StackConfig) -> str:
    """The stack's name on its storage, unlike that of any other stack there, one of another cluster included."""
    context = hashlib.sha256(config.cluster.context.encode()).hexdigest()[:8]
    return f"{config.stack}.{config.cluster.namespace}.{context}"


def build_spec(config: StackConfig, release: Release) -> dict[str, Any]:
    """The build's specification, as ``/inputs/spec.json`` holds it."""
    model = config.model
    return {
        "stack": stack_key(config),
        "planId": release.plan_id,
        "model": model.name,
        "maxBatchSize": model.max_batch_size,
        "target": model.target,
        "precision": model.precision,
        "source": model.source.model_dump(mode="json", by_alias=True),
        "tensorrt": _tensorrt(config),
        "expect": {"class": model.expect.class_, "label": config.inputs.label},
        "pinned": model.plan is not None,
    }


def build_gpus(config: StackConfig) -> int:
    """GPUs that the build's Job needs: a plan is compiled on one; one that is pinned has been compiled."""
    return 1 if config.model.target == "tensorrt" and config.model.plan is None else 0


def build_digest(config: StackConfig, release: Release) -> str:
    """Digest of all that makes the build's Job: with another one the Job is replaced, and runs again."""
    job = {
        "spec": build_spec(config, release),
        "image": release.builder_image,
        "labels": config.inputs.labels_text,
        "picture": hashlib.sha256(config.inputs.image).hexdigest(),
        "nodePool": config.node_pool.model_dump(
            mode="json", include={"kind", "selector", "tolerations", "gpu_product"}
        ),
        "storage": config.storage.model_dump(mode="json"),
        "serving": config.serving.model_dump(mode="json", include={"runtime_class", "image_pull_secrets"}),
        "resources": config.model.build_resources.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:16]


def _plan_inputs(config: StackConfig, builder_image: str, serving_image: str) -> PlanInputs:
    model = config.model
    return PlanInputs(
        source_kind=model.source.kind,
        source_sha256=getattr(model.source, "sha256", ""),
        build_code_sha256=build_code_digest(REPOSITORY / "model_build"),
        builder_image=builder_image,
        serving_image=serving_image,
        target=model.target,
        precision=model.precision,
        max_batch_size=model.max_batch_size,
        model=model.name,
        labels_sha256=hashlib.sha256(config.inputs.labels_text.encode()).hexdigest(),
        image_sha256=hashlib.sha256(config.inputs.image).hexdigest(),
        expected_class=model.expect.class_,
        expected_label=config.inputs.label,
        tensorrt=_tensorrt(config),
    )


def _tensorrt(config: StackConfig) -> dict[str, Any] | None:
    """What a TensorRT plan is built for, or None for another target."""
    if config.model.target != "tensorrt":
        return None
    return {
        "gpuProduct": config.node_pool.gpu_product,
        "batchProfile": config.model.batch_profile.model_dump(by_alias=True),
        "workspaceMib": config.model.workspace_mib,
        "instances": config.model.instances,
    }
