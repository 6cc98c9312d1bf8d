"""What a cluster holds from its first minute: the gateway's definitions, its class, and access rights."""

import hashlib
import os
from pathlib import Path

from local_cluster.errors import LocalClusterError
from local_cluster.files import write_if_changed
from local_cluster.kube_api import ApiError, KubeApi
from local_cluster.layout import Layout

SHARE_VARIABLE = "DENSENET_TOOLS_SHARE"
GATEWAY_CLASS_DEFINITION = (
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io"
)
_MANIFESTS = Path(__file__).parent / "manifests"
_FOLDERS = ("gateway-api", "traefik")


class DefinitionsError(LocalClusterError):
    """The files with the gateway's definitions are not where they should be."""


def definition_files() -> list[Path]:
    """List the files with the definitions of the Gateway API and of Traefik.

    Raises:
        DefinitionsError: the tools' share folder is not named, or lacks them.
    """
    share = os.environ.get(SHARE_VARIABLE)
    if not share:
        raise DefinitionsError(
            f"{SHARE_VARIABLE} is not set: run `make tools`, then set it to what `python3 -m tools share` prints"
        )
    files = []
    for name in _FOLDERS:
        found = sorted(Path(share, name).glob("*.yaml"))
        if not found:
            raise DefinitionsError(f"{share}/{name} holds no *.yaml: run `make tools`")
        files += found
    return files


class Definitions:
    """The objects of the cluster's own, applied once for each content."""

    def __init__(self, layout: Layout, api: KubeApi) -> None:
        self._api = api
        self._record = layout.state / "definitions-applied"
        self._first = [*definition_files(), _MANIFESTS / "access.yaml"]
        self._gateway_class = _MANIFESTS / "gateway-class.yaml"

    def are_applied(self) -> bool:
        """Tell whether this very content was applied before."""
        return self._record.is_file() and self._record.read_text(encoding="utf-8") == self._digest()

    def apply_definitions(self) -> None:
        """Apply definitions and access rights."""
        self._api.apply(*self._first)

    def apply_gateway_class(self) -> None:
        """Apply the gateway class, which needs its definition established, and note that all is done."""
        self._api.apply(self._gateway_class)
        write_if_changed(self._record, self._digest())

    def reason_not_established(self) -> str | None:
        """Say why the gateway class can't be applied yet; None when it can."""
        try:
            definition = self._api.get(GATEWAY_CLASS_DEFINITION)
        except ApiError as error:
            return str(error)
        conditions = definition.get("status", {}).get("conditions", [])
        if any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions):
            return None
        return "the definition of GatewayClass is not established"

    def _digest(self) -> str:
        total = hashlib.sha256()
        for file in (*self._first, self._gateway_class):
            total.update(hashlib.sha256(file.read_bytes()).digest())
        return total.hexdigest()
