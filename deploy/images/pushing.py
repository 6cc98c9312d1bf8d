"""`make images`: the project's own images that a stack may use, pushed to its registry."""

import re
import sys
from collections.abc import Iterator, Mapping

from deploy.errors import DeployError
from deploy.images.archives import Pushed, push_images
from infra.config import StackConfig
from infra.config.groups import BUILDERS
from infra.images import LOCAL_REGISTRY, is_own, reference
from tools.privileges import as_root

_REGISTRY = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)*")
_OWN_REFERENCE = re.compile(r"(?:.*/)?(?P<image>[a-z0-9-]+):[0-9a-f]{16}(?:@sha256:[0-9a-f]{64})?")


def push_own_images(config: StackConfig, registry: str) -> None:
    """Push what the stack's target builds with, and the serving image where it is the project's, pinned or not.

    Standard output gets a line for each, its reference with the registry's digest; standard error what the stack's file
    says to the contrary.

    Args:
        config: the stack's.
        registry: host and path; without it the one that the stack pulls from.

    Raises:
        DeployError: it is no registry, or an image was not built or not pushed.
    """
    target = registry or config.cluster.registry
    if target == LOCAL_REGISTRY:
        _explain_local(config, named=bool(registry))
        return
    if not _REGISTRY.fullmatch(target):
        key = "REGISTRY" if registry else f"{_file(config)}: cluster.registry"
        raise DeployError(f"{key} is {target!r}; accepted: host and path alone, such as registry.example/team")
    with as_root():
        pushed = push_images(own_images(config), target, serving=reference(config.serving.image, target))
    for each in pushed.values():
        print(each.pin)  # noqa: T201 - what is asked for
    for note in notes(config, pushed, registry=target):
        print(f"images: {note}", file=sys.stderr)  # noqa: T201 - what is asked for


def own_images(config: StackConfig) -> list[str]:
    """Return the folders of `images/` that the stack may use: its own serving image, its target's build image.

    One that the stack's file pins by its full reference is among them: a pin of today was made of a push of yesterday.
    """
    named = (_own_name(config.serving.image), BUILDERS[config.model.target], config.model.builder)
    return [image for image in dict.fromkeys(named) if is_own(image)]


def notes(config: StackConfig, pushed: Mapping[str, Pushed], *, registry: str) -> Iterator[str]:
    """Yield a line for each key by which the stack goes on using something else than was pushed.

    Args:
        config: the stack's.
        pushed: by folder of `images/`.
        registry: where that was.
    """
    file, serving = _file(config), config.serving.image
    if config.cluster.registry != registry:
        yield (
            f"{file} has cluster.registry: {config.cluster.registry}, where the stack's images are pulled from; to "
            f"pull what was pushed, set densenet-triton:cluster.registry: {registry}"
        )
    for key, image, used in (
        ("serving.image", _own_name(serving), serving),
        ("model.buildImage", BUILDERS[config.model.target], config.model.builder),
    ):
        mine = pushed.get(image)
        if mine and reference(used, registry, serving=reference(serving, registry)) not in {mine.reference, mine.pin}:
            yield (
                f"{file} pins {key}: {used}, which is another image than {mine.reference}; the stack goes on with its "
                f"pin; to use what was pushed, set densenet-triton:{key}: {mine.pin}"
            )


def _explain_local(config: StackConfig, *, named: bool) -> None:
    """Say why nothing is pushed; where nobody asked for a push to nowhere, that is no failure."""
    mend = f"make images STACK={config.stack} REGISTRY=registry.example/team"
    if named:
        raise DeployError(
            f"REGISTRY is {LOCAL_REGISTRY}, which means loaded into the embedded node; "
            f"accepted: a registry, such as registry.example/team; {mend}"
        )
    if config.cluster.local_name is None:
        raise DeployError(
            f"{_file(config)} names no registry that nodes can pull from: cluster.registry is {LOCAL_REGISTRY}, and "
            f"context {config.cluster.context!r} is your own cluster; set cluster.registry, or name where to push: "
            f"{mend}"
        )
    print(  # noqa: T201 - what is asked for
        f"images: nothing is pushed: stack {config.stack} has no registry (cluster.registry: {LOCAL_REGISTRY}), its "
        f"images are loaded into the embedded node by make up; to push them: {mend}",
        file=sys.stderr,
    )


def _own_name(image: str) -> str:
    """The folder of `images/` that a reference by content tag is of; anything else as it was given."""
    found = _OWN_REFERENCE.fullmatch(image)
    return found["image"] if found else image


def _file(config: StackConfig) -> str:
    return f"Pulumi.{config.stack}.yaml"
