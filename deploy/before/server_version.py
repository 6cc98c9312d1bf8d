"""Which Kubernetes the cluster is of, before anything of ours changes there."""

import json
import re

from deploy.errors import DeployError

_OLDEST = (1, 30)
"""`preStop.sleep`, by which a pod leaves the Service before Triton ends, is there from this release on."""


def require_server_version(answer: str | None) -> None:
    """See that the API server knows what the pods say.

    Args:
        answer: of the server's `/version`; where it says nothing that can be read, its version is unknown, which is no
            fault.

    Raises:
        DeployError: it is too old.
    """
    version = _version(answer or "")
    if version is not None and version < _OLDEST:
        found, oldest = (".".join(map(str, release)) for release in (version, _OLDEST))
        raise DeployError(
            f"the cluster is of Kubernetes {found}, whose pods know no preStop.sleep; accepted: Kubernetes {oldest} or "
            "newer; upgrade the cluster, or name another in cluster.context"
        )


def _version(answer: str) -> tuple[int, int] | None:
    """Major and minor release; a provider may write the latter as "30+"."""
    try:
        found = json.loads(answer)
        major, minor = (re.match(r"\d+", str(found[key])) for key in ("major", "minor"))
    except (ValueError, KeyError, TypeError):
        return None
    return (int(major[0]), int(minor[0])) if major and minor else None
