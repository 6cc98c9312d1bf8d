"""The configuration files of the components, rendered."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from local_cluster import pki
from local_cluster.kubeconfigs import CLIENTS, KUBECONFIG, client_kubeconfig, kubeconfig_path, whole_kubeconfig
from local_cluster.layout import Layout
from local_cluster.unprivileged import COMPONENTS, own_file

CLUSTER_DOMAIN = "cluster.local"


def rendered_files(
    layout: Layout,
    *,
    runc: str,
    cni_folder: Path,
    pause_image: str,
    mtu: int,
    may_lower_oom_score: bool,
) -> dict[Path, str]:
    """Render the configuration files that root reads, all but supervisord's.

    Args:
        layout: the cluster.
        runc: absolute path of runc.
        cni_folder: folder of the CNI plugins.
        pause_image: reference of the image that holds a pod's namespaces open.
        mtu: largest packet on the pod network, in bytes.
        may_lower_oom_score: whether root may make a process less likely to be killed for memory.

    Returns:
        The content of each file.
    """
    config = layout.config
    return {
        config / "containerd.toml": _containerd(
            layout, runc, cni_folder, pause_image, may_lower_oom_score=may_lower_oom_score
        ),
        config / "pod-network" / "10-ptp.conflist": json.dumps(_pod_network(layout, mtu), indent=2),
        config / "kubelet.yaml": _yaml(_kubelet(layout)),
        config / "kube-proxy.yaml": _yaml(_proxy(layout)),
        # What is outside the cluster, the cluster's DNS server asks the host's: only it must follow their changes.
        config / "resolv.conf": f"nameserver {layout.node_address}\n",
        **{kubeconfig_path(layout, client): client_kubeconfig(layout, client) for client in CLIENTS},
    }


def unprivileged_files(layout: Layout, *, nameservers: Sequence[str]) -> dict[str, dict[Path, str]]:
    """Render what the components read that are not root.

    Args:
        layout: the cluster.
        nameservers: DNS servers for names outside the cluster.

    Returns:
        For each component the content of each of its files.
    """
    files = {name: {own_file(layout, name, KUBECONFIG): whole_kubeconfig(layout, name)} for name in COMPONENTS}
    files["coredns"][own_file(layout, "coredns", "Corefile")] = _corefile(layout, nameservers)
    return files


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)


def _containerd(layout: Layout, runc: str, cni_folder: Path, pause_image: str, *, may_lower_oom_score: bool) -> str:
    """Render containerd's configuration; no folder outside of the cluster's own."""
    root = layout.state / "containerd"
    return f"""version = 3
root = '{root}'
state = '{layout.run / "containerd"}'
imports = []

[grpc]
address = '{layout.containerd_socket}'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{pause_image}'

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = '{layout.registries}'

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = {str(not may_lower_oom_score).lower()}
netns_mounts_under_state_dir = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['{cni_folder}']
conf_dir = '{layout.config / "pod-network"}'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = '{runc}'
SystemdCgroup = false

[plugins.'io.containerd.internal.v1.opt']
path = '{root / "opt"}'

[plugins.'io.containerd.nri.v1.nri']
disable = true
"""


def _pod_network(layout: Layout, mtu: int) -> dict[str, Any]:
    addresses = {
        "subnet": layout.pod_subnet,
        "gateway": layout.node_address,
        "rangeEnd": layout.last_pod_address,
    }
    link_to_the_node = {
        "type": "ptp",
        "mtu": mtu,
        "ipam": {
            "type": "host-local",
            "ranges": [[addresses]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(layout.run / "cni"),
        },
    }
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [link_to_the_node, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def _kubelet(layout: Layout) -> dict[str, Any]:
    folder = layout.state / "kubelet"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.node_address,
        "healthzBindAddress": "127.0.0.1",
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.certificate_path(layout, pki.CLUSTER_AUTHORITY))},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki.certificate_path(layout, "kubelet")),
        "tlsPrivateKeyFile": str(pki.key_path(layout, "kubelet")),
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDomain": CLUSTER_DOMAIN,
        "clusterDNS": [layout.node_address],
        "resolvConf": str(layout.config / "resolv.conf"),
        "podLogsDir": str(layout.state / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
        "containerLogMaxSize": "10Mi",
        # What is loaded by hand has no registry that kubelet could ask whether a pod may use it, which it would where
        # the same image was pulled with a secret, too; of all others it asks.
        "imagePullCredentialsVerificationPolicy": "NeverVerifyAllowlistedImages",
        "preloadedImagesVerificationAllowlist": ["localhost/*"],
        # Images are loaded by hand and can't be pulled again: kubelet never removes one.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "imageMaximumGCAge": "0s",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1Gi",
            "imagefs.available": "1Gi",
        },
    }


def _proxy(layout: Layout) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig_path(layout, "kube-proxy"))},
        "hostnameOverride": layout.name,
        "clusterCIDR": layout.pod_subnet,
        "bindAddress": layout.node_address,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # Limits of the whole machine, which a network namespace may not set.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }


def _corefile(layout: Layout, nameservers: Sequence[str]) -> str:
    forward = f"\n    forward . {' '.join(nameservers)}" if nameservers else ""
    return f""".:53 {{
    bind {layout.node_address}
    errors
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {own_file(layout, "coredns", KUBECONFIG)}
        fallthrough in-addr.arpa ip6.arpa
    }}{forward}
    cache 30
    loadbalance
}}
"""
