"""The certificate of the cluster's gateway, where Gateways and their clients find it: as objects of the cluster."""

import base64
from typing import Any

from local_cluster import pki
from local_cluster.errors import LocalClusterError
from local_cluster.kube_api import ApiError, KubeApi
from local_cluster.layout import Layout

NAMESPACE = "kube-system"
CERTIFICATE = "gateway-certificate"
"""The Secret with certificate, key and authority."""

AUTHORITY = "gateway-authority"
"""The ConfigMap with the authority alone, which is no secret."""


def publish_certificate(layout: Layout, api: KubeApi) -> str | None:
    """See that the cluster holds the gateway's certificate as the PKI has it; say why not yet, or nothing."""
    try:
        for each in _objects(layout):
            if not _is_there(each, api):
                api.apply_objects(each)
    except LocalClusterError as error:
        return str(error)
    return None


def _objects(layout: Layout) -> list[dict[str, Any]]:
    authority = pki.certificate_path(layout, pki.GATEWAY_AUTHORITY).read_bytes()
    certificate, key = pki.certificate_path(layout, pki.GATEWAY), pki.key_path(layout, pki.GATEWAY)
    files = {"tls.crt": certificate.read_bytes(), "tls.key": key.read_bytes(), "ca.crt": authority}
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": CERTIFICATE, "namespace": NAMESPACE},
            "type": "kubernetes.io/tls",
            "data": {name: base64.b64encode(content).decode() for name, content in files.items()},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": AUTHORITY, "namespace": NAMESPACE},
            "data": {"ca.crt": authority.decode()},
        },
    ]


def _is_there(wanted: dict[str, Any], api: KubeApi) -> bool:
    place = f"/api/v1/namespaces/{NAMESPACE}/{wanted['kind'].lower()}s/{wanted['metadata']['name']}"
    try:
        found = api.get(place)
    except ApiError:
        return False
    return bool(found.get("data") == wanted["data"])
