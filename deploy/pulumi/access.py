"""How Pulumi's state reaches the cluster: `refresh` and `destroy` go by what the last update has left there.

A token that has run out since, a certificate that was renewed or an API server that has moved would keep both from it.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

from deploy.pulumi.state import SECRET, SECRET_SIGNATURE
from infra.config import Cluster as ClusterConfig
from infra.kubeconfig import kubeconfig_text

_PROVIDER = "pulumi:providers:kubernetes::cluster"


def state_with_access(state: Mapping[str, Any], config: ClusterConfig) -> dict[str, Any] | None:
    """Return a state that reaches the cluster as the configuration does today; None where it already does.

    Args:
        state: what `pulumi stack export --show-secrets` printed.
        config: the stack's group `cluster`.
    """
    text = kubeconfig_text(config.kubeconfig_path, config.context) if config.kubeconfig_path else None
    edited = copy.deepcopy(dict(state))
    providers = [
        each
        for each in edited["deployment"].get("resources") or []
        if each["urn"].endswith(_PROVIDER) and not each.get("delete")
    ]
    for part in (each[name] for each in providers for name in ("inputs", "outputs") if name in each):
        if (_plain(part.get("kubeconfig")), part.get("context")) != (text or "", config.context):
            part |= {"kubeconfig": _secret(text) if text else "", "context": config.context}
    return None if edited == state else edited


def _plain(value: object) -> object:
    """A value of a state, decrypted; nothing where there is none."""
    if isinstance(value, Mapping) and SECRET in value:
        return json.loads(str(value.get("plaintext", "null")))
    return value or ""


def _secret(text: str) -> dict[str, str]:
    return {SECRET: SECRET_SIGNATURE, "plaintext": json.dumps(text)}
