"""The claims that a stack has used before: kept as long as a kept release needs what is on them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from deploy.before.ownership import owner_of
from deploy.before.storage import claims_in
from deploy.cluster import Cluster
from infra.config import StackConfig
from infra.config.storages import ClaimStorage, Storage, claim_name

_STORAGE = "densenet-triton:storage"


def prune_claims(config: StackConfig, cluster: Cluster, kept: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Remove the claims that the stack has made, and that neither it nor a kept release mounts; pods keep theirs.

    Whether the data goes with a claim is for its volume's reclaim policy to say.

    Args:
        config: the stack's.
        cluster: the stack's.
        kept: the kept releases' configurations.

    Returns:
        The names of those that were removed.
    """
    namespace = config.cluster.namespace
    needed = {claim_name(config.storage)}
    for values in kept:
        try:
            needed.update(_names(values))
        except ValidationError:
            return ()  # of another version: what it mounts is not known
    unneeded = [
        str(item["metadata"]["name"])
        for item in claims_in(namespace, cluster)
        if _is_ours(item, config) and item["metadata"]["name"] not in needed
    ]
    if unneeded:
        cluster.kubectl(
            *("delete", "persistentvolumeclaim", *unneeded, f"--namespace={namespace}"),
            *("--ignore-not-found", "--wait=false"),
        )
    return tuple(unneeded)


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    """What a release's claim is called, by its own version too, which counted the size."""
    storage = TypeAdapter[Any](Storage).validate_json(json.dumps(values[_STORAGE]))
    yield claim_name(storage)
    if isinstance(storage, ClaimStorage):
        yield claim_name(storage.model_copy(update={"first_size_gib": storage.size_gib}))


def _is_ours(claim: Mapping[str, Any], config: StackConfig) -> bool:
    """In others' namespace the stack's own name alone counts; in its own a former name's, too."""
    owner = owner_of(claim)
    return owner is not None and (config.cluster.create_namespace or owner == config.stack)
