"""The embedded cluster, where a stack is on it: made ready with what the stack's pods are made of."""

import sys

from deploy.cluster import Cluster
from deploy.images.archives import are_built, build_images
from infra.config import StackConfig
from infra.images import LOCAL_REGISTRY, is_own, reference
from tools.privileges import as_root


def machine_check(cluster: str) -> list[str]:
    """Return the command by which the embedded cluster says whether this machine carries it; `up` asks that, too.

    Args:
        cluster: its name.
    """
    return [sys.executable, "-m", "local_cluster", "--name", cluster, "check"]


def prepare_embedded(config: StackConfig, cluster: Cluster) -> None:
    """Bring up the cluster, and load the project's own images that the stack names.

    With a registry in the configuration the images are pulled from there.

    Args:
        config: the stack's.
        cluster: the embedded one.

    Raises:
        DeployError: it does not start, or an image was not built.
    """
    named = (config.serving.image, config.model.builder)
    own = [image for image in named if is_own(image)] if config.cluster.registry == LOCAL_REGISTRY else []
    serving = reference(config.serving.image, LOCAL_REGISTRY)
    if not are_built(own, serving=serving):
        cluster.start()  # what keeps it from starting is said before minutes of building
    with as_root():
        archives = build_images(own, serving=serving)
    cluster.start({reference(image, LOCAL_REGISTRY, serving=serving): archives[image] for image in own})
