"""Where a cluster lives: everything that follows from its name, and from nothing else."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local_cluster.errors import ClusterNameError

DEFAULT_NAME = "embedded"
STATE_ROOT = Path("/var/lib/densenet-triton")
RUN_ROOT = Path("/run/densenet-triton")
CGROUP_PREFIX = "densenet-triton-"
GATEWAY_CLASS = "traefik"
GATEWAY_ADDRESS = "127.0.0.1"
STORAGE_OWNER = 1000
"""User and group id of the storage folder: what the pods of this project run as."""

_NAME = re.compile(r"embedded(-[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?)?")
_RESERVED_SLOTS = {DEFAULT_NAME: 0, "embedded-test": 1}
_SLOTS = 64


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Names, folders, addresses and ports of one cluster; two names share none but by a slot's collision.

    Attributes:
        name: the cluster's, its node's and its kubeconfig context's name.
        slot: 0 to 63, the third octet of the cluster's address ranges.
    """

    name: str
    slot: int

    @cached_property
    def state(self) -> Path:
        """Folder of all that outlives a reboot."""
        return STATE_ROOT / self.name

    @cached_property
    def run(self) -> Path:
        """Folder of sockets and of what a reboot may take."""
        return RUN_ROOT / self.name

    @cached_property
    def lock(self) -> Path:
        """File that `up` and `down` lock; outside of what `down` removes."""
        return RUN_ROOT / f"{self.name}.lock"

    @property
    def pki(self) -> Path:
        """Folder of keys and certificates, mode 0700."""
        return self.state / "pki"

    @property
    def programs(self) -> Path:
        """Folder of the cluster's own copies of programs, which it finds before all others."""
        return self.state / "programs"

    @property
    def config(self) -> Path:
        """Folder of the components' rendered configuration."""
        return self.state / "config"

    @property
    def registries(self) -> Path:
        """Folder in which containerd, whenever it pulls, looks up how a registry is reached: `<host>/hosts.toml`."""
        return self.config / "certs.d"

    @property
    def logs(self) -> Path:
        """Folder of the components' logs."""
        return self.state / "logs"

    @property
    def storage(self) -> Path:
        """Folder that pods may mount for models."""
        return self.state / "storage"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig file, mode 0600."""
        return self.state / "kubeconfig"

    @property
    def containerd_socket(self) -> Path:
        """Containerd's gRPC socket."""
        return self.run / "containerd.sock"

    @property
    def supervisor_socket(self) -> Path:
        """Supervisord's HTTP socket."""
        return self.run / "supervisor.sock"

    @property
    def cgroup(self) -> str:
        """The cgroup of all that runs of the cluster, relative to each hierarchy's root."""
        return f"{CGROUP_PREFIX}{self.name}"

    @property
    def link(self) -> str:
        """The host's own interface on the cluster's network."""
        return f"dtri{self.slot}"

    @property
    def nft_table(self) -> str:
        """The host's nftables table (family ip) of this cluster."""
        return f"densenet-triton-{self.name}"

    @property
    def pod_subnet(self) -> str:
        """The IPv4 network of the pods, the node and the host's end."""
        return f"10.210.{self.slot}.0/24"

    @property
    def service_subnet(self) -> str:
        """The IPv4 network of cluster IPs."""
        return f"10.211.{self.slot}.0/24"

    @property
    def node_address(self) -> str:
        """The node's address, which is the API server's, the cluster DNS's and kubelet's probes' too."""
        return f"10.210.{self.slot}.1"

    @property
    def last_pod_address(self) -> str:
        """The highest address that a pod gets; above it is the host's."""
        return f"10.210.{self.slot}.253"

    @property
    def host_address(self) -> str:
        """The host's address on the cluster's network: what pods see the gateway and all of the host come from."""
        return f"10.210.{self.slot}.254"

    @property
    def kubernetes_service_address(self) -> str:
        """Cluster IP of ``kubernetes.default``: the first of the service subnet."""
        return f"10.211.{self.slot}.1"

    @property
    def api_port(self) -> int:
        """The API server's port on the node's address."""
        return 6443

    @property
    def api_url(self) -> str:
        """The API server's URL, the same from the host and from pods."""
        return f"https://{self.node_address}:{self.api_port}"

    @property
    def policies_port(self) -> int:
        """The port, on the node's address, where kube-router tells its health and its metrics."""
        return 20241

    @property
    def etcd_client_port(self) -> int:
        """Etcd's port on the cluster's own loopback."""
        return 23790 + 10 * self.slot

    @property
    def etcd_peer_port(self) -> int:
        """Etcd's peer port on the cluster's own loopback."""
        return self.etcd_client_port + 1

    @property
    def gateway_port(self) -> int:
        """The gateway's port on the host's loopback."""
        return 8800 + self.slot

    @property
    def secure_gateway_port(self) -> int:
        """The gateway's port for HTTPS on the host's loopback.

        The default cluster's is the HTTP port of slot 43, too: of these two, the one that is started later is told so.
        """
        return 8900 + self.slot if self.slot else 8843

    @property
    def gateway_url(self) -> str:
        """The gateway's URL for clients on this machine."""
        return f"http://{GATEWAY_ADDRESS}:{self.gateway_port}"

    @property
    def secure_gateway_url(self) -> str:
        """The same for HTTPS."""
        return f"https://{GATEWAY_ADDRESS}:{self.secure_gateway_port}"


def layout_from_name(name: str) -> Layout:
    """Lay out the cluster of that name.

    Args:
        name: ``embedded``, or ``embedded-`` and up to 20 lower-case letters, digits and inner hyphens.

    Returns:
        The same layout for the same name, always.

    Raises:
        ClusterNameError: the name is not of that form.
    """
    if not _NAME.fullmatch(name):
        raise ClusterNameError(
            f"cluster name {name!r}: accepted are 'embedded' and 'embedded-' followed by 1 to 20 "
            "lower-case letters, digits or inner hyphens, such as embedded-test"
        )
    return Layout(name=name, slot=_slot_from_name(name))


def _slot_from_name(name: str) -> int:
    if name in _RESERVED_SLOTS:
        return _RESERVED_SLOTS[name]
    first_free = len(_RESERVED_SLOTS)
    digest = hashlib.sha256(name.encode()).digest()
    return first_free + int.from_bytes(digest[:8], "big") % (_SLOTS - first_free)
