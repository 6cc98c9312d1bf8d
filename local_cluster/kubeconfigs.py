"""Kubeconfig files: the administrator's, and one for each component that is a client."""

import base64
from pathlib import Path

import yaml

from local_cluster import pki
from local_cluster.layout import Layout

CLIENTS = ("kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kube-router")
"""Components that reach the API server by a kubeconfig, each with the identity of that name, as root."""
KUBECONFIG = "kubeconfig"
"""Name of the file in the folder of a component that is not root."""


def kubeconfig_path(layout: Layout, client: str) -> Path:
    """Return where a component's kubeconfig lies."""
    return layout.config / f"{client}.kubeconfig"


def client_kubeconfig(layout: Layout, client: str) -> str:
    """Render a component's kubeconfig; it names its key's file, so that a renewed key needs no new one."""
    return _kubeconfig(
        layout,
        cluster={"certificate-authority": str(pki.certificate_path(layout, pki.CLUSTER_AUTHORITY))},
        user={
            "client-certificate": str(pki.certificate_path(layout, client)),
            "client-key": str(pki.key_path(layout, client)),
        },
    )


def whole_kubeconfig(layout: Layout, identity: str) -> str:
    """Render the kubeconfig of the administrator, say; it holds its key, so that it works wherever it is copied."""
    return _kubeconfig(
        layout,
        cluster={"certificate-authority-data": _base64(pki.certificate_path(layout, pki.CLUSTER_AUTHORITY))},
        user={
            "client-certificate-data": _base64(pki.certificate_path(layout, identity)),
            "client-key-data": _base64(pki.key_path(layout, identity)),
        },
    )


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _kubeconfig(layout: Layout, *, cluster: dict[str, str], user: dict[str, str]) -> str:
    name = layout.name
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": layout.api_url, **cluster}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        },
        sort_keys=False,
    )
