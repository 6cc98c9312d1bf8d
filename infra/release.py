"""What a stack deploys, resolved from its configuration by pure code: the images, the engine and the plan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infra.config.peers import destination_from_url
from infra.config.secrets import HIDDEN, SOURCE_URL
from infra.config.sources import OnnxSource, PackageSource, PrebuiltSource
from infra.config.tls import HTTPS_PORT
from infra.images import LOCAL_REGISTRY, reference
from infra.plan_id import EngineInputs, PlanInputs, engine_id, plan_id

if TYPE_CHECKING:
    from infra.config import ExpectedPicture, StackConfig
    from infra.config.peers import Destination
    from infra.config.sources import Source


@dataclass(frozen=True, kw_only=True)
class Release:
    """The plan and the images of a stack.

    Attributes:
        plan_id: computed, or pinned by the configuration.
        engine_id: of the engine that the plan serves; None where none is compiled here: on CPU, where the repository
            is prebuilt, and where the plan is pinned, whose manifest knows.
        builder_image: full reference.
        serving_image: full reference.
    """

    plan_id: str
    engine_id: str | None
    builder_image: str
    serving_image: str


def release_from_config(config: StackConfig) -> Release:
    """Resolve what a stack deploys; reads the repository's files and opens no connection."""
    serving_image, builder_image = _images(config, config.cluster.registry)
    inputs = _plan_inputs(config)
    return Release(
        plan_id=config.model.plan or plan_id(inputs),
        engine_id=engine_id(inputs.engine) if _compiles(config) else None,
        builder_image=builder_image,
        serving_image=serving_image,
    )


def _images(config: StackConfig, registry: str) -> tuple[str, str]:
    """Full references of the serving image and of the builder's."""
    serving_image = reference(config.serving.image, registry)
    return serving_image, reference(config.model.builder, registry, serving=serving_image)


def _compiles(config: StackConfig) -> bool:
    """Whether an engine is compiled for this stack."""
    model = config.model
    return model.target == "tensorrt" and model.plan is None and not isinstance(model.source, PrebuiltSource)


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
        "engineId": release.engine_id,
        "model": model.name,
        "maxBatchSize": model.max_batch_size,
        "target": model.target,
        "precision": model.precision,
        "pinned": model.plan is not None,
        "source": _source(model.source) | _alias(config),
        "preprocessing": model.preprocessing,
        "expect": [_picture(picture) | {"url": picture.url} for picture in config.inputs.pictures],
        "tensorrt": _tensorrt(config),
    }


def _source(source: Source) -> dict[str, Any]:
    """What may be seen of it: where it is fetched from may not."""
    document = source.model_dump(mode="json", by_alias=True)
    if isinstance(source, OnnxSource):
        del document["url"]
        size = source.height_and_width
        document["imageSize"] = list(size) if size else None
    return document


def _alias(config: StackConfig) -> dict[str, str]:
    """What a source whose URL is secret is called, in the build's log and in the manifest."""
    return {"alias": HIDDEN} if SOURCE_URL in config.secrets else {}


def _picture(picture: ExpectedPicture) -> dict[str, Any]:
    return {"sha256": picture.sha256, **picture.expectation.document()}


def build_gpus(config: StackConfig) -> int:
    """GPUs that the build's Job needs: a plan is compiled on one; one that is pinned has been compiled."""
    return 1 if config.model.target == "tensorrt" and config.model.plan is None else 0


def source_url(config: StackConfig) -> str | None:
    """Where the build fetches the source from; it may have a password or a signature in it."""
    return config.model.source.url if isinstance(config.model.source, OnnxSource) else None


def fetch_ports(config: StackConfig) -> tuple[int, ...]:
    """Ports of what the build fetches by itself, each once; none where nothing has a URL, or a proxy fetches it."""
    if config.cluster.build_proxy is not None:
        return ()
    source = config.model.source
    urls = [source.url] if isinstance(source, OnnxSource) and source.local_path is None else []
    urls += [picture.url for picture in config.inputs.pictures if picture.url is not None]
    return tuple(sorted({urlsplit(url).port or HTTPS_PORT for url in urls}))


def build_ways(config: StackConfig) -> tuple[Destination, ...]:
    """Where the build may go by its address: as the configuration says, and to a proxy that is named by its own."""
    ways = config.cluster.build_egress
    if config.cluster.build_proxy is None:
        return ways
    proxy = destination_from_url(config.cluster.build_proxy)
    return ways if proxy is None else (*ways, proxy)


def _plan_inputs(config: StackConfig) -> PlanInputs:
    """What the plan is made from; the project's own images are those that they are, whichever registry has them."""
    model = config.model
    serving_image, builder_image = _images(config, LOCAL_REGISTRY)
    return PlanInputs(
        engine=EngineInputs(
            source=_weights(model.source),
            precision=model.precision,
            builder_image=builder_image,
            serving_image=serving_image,
            tensorrt=_compiled_for(config),
        ),
        target=model.target,
        model=model.name,
        max_batch_size=model.max_batch_size,
        instances=model.instances if model.target == "tensorrt" else 1,
        preprocessing=model.declared_preprocessing,
        labels_sha256=hashlib.sha256(config.inputs.labels_text.encode()).hexdigest(),
        pictures=[_picture(picture) for picture in config.inputs.pictures],
    )


def _weights(source: Source) -> dict[str, Any]:
    """What says which model it is, wherever it lies."""
    document = _source(source)
    document.pop("path", None)
    return document | {"sha256": source.model.sha256 if isinstance(source, PackageSource) else source.sha256}


def _compiled_for(config: StackConfig) -> dict[str, Any] | None:
    """What an engine is compiled for; one that is asked for no batches takes one image, whatever the profile says."""
    settings = _tensorrt(config)
    if settings is None:
        return None
    del settings["instances"]
    return settings if config.model.max_batch_size > 1 else settings | {"batchProfile": None}


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
