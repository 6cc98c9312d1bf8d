"""States as `pulumi stack export` prints them, and the objects that they speak of, as the Kubernetes API gives them."""

import copy
from typing import Any

NAMESPACE = "triton-dev"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}


def made(kind: str, name: str, api_version: str = "v1", *, namespace: str | None = NAMESPACE, **parts: Any) -> Any:
    """An object that was declared: what is in the state, and beside it what is live."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **parts.pop("metadata", {})}
    inputs = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}
    live = copy.deepcopy(inputs)
    live["metadata"] |= {"uid": f"uid-{kind}-{name}", "resourceVersion": "1"}
    resource = {
        "urn": f"urn:pulumi:dev::densenet-triton::kubernetes:{api_version}:{kind}::{kind}-{name}",
        "type": f"kubernetes:{'core/v1' if api_version == 'v1' else api_version}:{kind}",
        "custom": True,
        "id": f"{namespace}/{name}" if namespace else name,
        "inputs": inputs,
        "outputs": copy.deepcopy(live),
    }
    return resource, live


def state_of(*resources: dict[str, Any]) -> dict[str, Any]:
    """A state with these resources, and with those that every state has beside them."""
    beside = [
        {"urn": "urn:pulumi:dev::densenet-triton::pulumi:pulumi:Stack::dev", "type": "pulumi:pulumi:Stack"},
        {
            "urn": "urn:pulumi:dev::densenet-triton::pulumi:providers:kubernetes::cluster",
            "type": "pulumi:providers:kubernetes",
            "custom": True,
            "inputs": {"context": "c"},
        },
    ]
    return {"deployment": {"resources": [*beside, *resources]}}


def written(live: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """What becomes of a live object that somebody has written: a value by its path, or nothing there for None."""
    changed = copy.deepcopy(live)
    changed["metadata"]["resourceVersion"] = "2"
    inner = changed
    for key in path[:-1]:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed
