"""The components of a cluster: their command lines."""

from pathlib import Path
from typing import TYPE_CHECKING

from local_cluster import pki
from local_cluster.component import Component, Need
from local_cluster.kubeconfigs import KUBECONFIG, kubeconfig_path
from local_cluster.layout import GATEWAY_ADDRESS, Layout
from local_cluster.pki import certificate_path, key_path
from local_cluster.programs import required
from local_cluster.unprivileged import command_without_rights, own_file

if TYPE_CHECKING:
    from collections.abc import Callable


def components(layout: Layout) -> tuple[Component, ...]:
    """List the components, in the order of their dependencies.

    Raises:
        ProgramError: a program is not on PATH.
    """
    makers: tuple[Callable[[Layout], Component], ...] = (
        _etcd,
        _containerd,
        _apiserver,
        _controller_manager,
        _scheduler,
        _kubelet,
        _proxy,
        _router,
        _coredns,
        _traefik,
    )
    return tuple(maker(layout) for maker in makers)


NAMES = (
    "etcd",
    "containerd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kube-router",
    "coredns",
    "traefik",
)


def _client_files(layout: Layout, client: str) -> tuple[Path, ...]:
    return (
        kubeconfig_path(layout, client),
        certificate_path(layout, pki.CLUSTER_AUTHORITY),
        certificate_path(layout, client),
    )


def _etcd(layout: Layout) -> Component:
    authority = certificate_path(layout, pki.ETCD_AUTHORITY)
    certificate, key = certificate_path(layout, "etcd"), key_path(layout, "etcd")
    client_url = f"https://127.0.0.1:{layout.etcd_client_port}"
    peer_url = f"https://127.0.0.1:{layout.etcd_peer_port}"
    return Component(
        name="etcd",
        command=(
            required("etcd"),
            f"--name={layout.name}",
            f"--data-dir={layout.state / 'etcd'}",
            f"--listen-client-urls={client_url}",
            f"--advertise-client-urls={client_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster={layout.name}={peer_url}",
            f"--cert-file={certificate}",
            f"--key-file={key}",
            f"--trusted-ca-file={authority}",
            "--client-cert-auth",
            f"--peer-cert-file={certificate}",
            f"--peer-key-file={key}",
            f"--peer-trusted-ca-file={authority}",
            "--peer-client-cert-auth",
            "--auto-compaction-retention=1h",
        ),
        reads=(authority, certificate),
    )


def _containerd(layout: Layout) -> Component:
    config = layout.config / "containerd.toml"
    return Component(name="containerd", command=(required("containerd"), f"--config={config}"), reads=(config,))


def _apiserver(layout: Layout) -> Component:
    authority = certificate_path(layout, pki.CLUSTER_AUTHORITY)
    serving, kubelet_client, etcd_client = "apiserver", "apiserver-kubelet-client", "apiserver-etcd-client"
    return Component(
        name="kube-apiserver",
        command=(
            required("kube-apiserver"),
            f"--bind-address={layout.node_address}",
            f"--advertise-address={layout.node_address}",
            f"--secure-port={layout.api_port}",
            f"--service-cluster-ip-range={layout.service_subnet}",
            f"--tls-cert-file={certificate_path(layout, serving)}",
            f"--tls-private-key-file={key_path(layout, serving)}",
            f"--client-ca-file={authority}",
            f"--etcd-servers=https://127.0.0.1:{layout.etcd_client_port}",
            f"--etcd-cafile={certificate_path(layout, pki.ETCD_AUTHORITY)}",
            f"--etcd-certfile={certificate_path(layout, etcd_client)}",
            f"--etcd-keyfile={key_path(layout, etcd_client)}",
            f"--kubelet-certificate-authority={authority}",
            f"--kubelet-client-certificate={certificate_path(layout, kubelet_client)}",
            f"--kubelet-client-key={key_path(layout, kubelet_client)}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={layout.pki / f'{pki.SERVICE_ACCOUNT}.pub'}",
            f"--service-account-signing-key-file={key_path(layout, pki.SERVICE_ACCOUNT)}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged",
            "--profiling=false",
        ),
        reads=(
            authority,
            certificate_path(layout, pki.ETCD_AUTHORITY),
            *(certificate_path(layout, file) for file in (serving, kubelet_client, etcd_client)),
            layout.pki / f"{pki.SERVICE_ACCOUNT}.pub",
        ),
    )


def _controller_manager(layout: Layout) -> Component:
    kubeconfig = kubeconfig_path(layout, "kube-controller-manager")
    authority = pki.CLUSTER_AUTHORITY
    return Component(
        name="kube-controller-manager",
        command=(
            required("kube-controller-manager"),
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--secure-port=0",
            f"--root-ca-file={certificate_path(layout, authority)}",
            f"--cluster-signing-cert-file={certificate_path(layout, authority)}",
            f"--cluster-signing-key-file={key_path(layout, authority)}",
            f"--service-account-private-key-file={key_path(layout, pki.SERVICE_ACCOUNT)}",
            f"--flex-volume-plugin-dir={layout.state / 'kubelet' / 'volume-plugins'}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--profiling=false",
        ),
        needs=Need.API_SERVER,
        reads=(*_client_files(layout, "kube-controller-manager"), layout.pki / f"{pki.SERVICE_ACCOUNT}.pub"),
    )


def _scheduler(layout: Layout) -> Component:
    kubeconfig = kubeconfig_path(layout, "kube-scheduler")
    return Component(
        name="kube-scheduler",
        command=(
            required("kube-scheduler"),
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--secure-port=0",
            "--leader-elect=false",
            "--profiling=false",
        ),
        needs=Need.API_SERVER,
        reads=_client_files(layout, "kube-scheduler"),
    )


def _kubelet(layout: Layout) -> Component:
    config = layout.config / "kubelet.yaml"
    return Component(
        name="kubelet",
        command=(
            required("kubelet"),
            f"--config={config}",
            f"--kubeconfig={kubeconfig_path(layout, 'kubelet')}",
            f"--hostname-override={layout.name}",
            f"--node-ip={layout.node_address}",
            f"--root-dir={layout.state / 'kubelet'}",
        ),
        needs=Need.API_SERVER,
        reads=(config, *_client_files(layout, "kubelet")),
    )


def _proxy(layout: Layout) -> Component:
    config = layout.config / "kube-proxy.yaml"
    return Component(
        name="kube-proxy",
        command=(required("kube-proxy"), f"--config={config}"),
        needs=Need.API_SERVER,
        reads=(config, *_client_files(layout, "kube-proxy")),
    )


def _router(layout: Layout) -> Component:
    """Lay out what enforces network policies; despite its name it routes nothing."""
    return Component(
        name="kube-router",
        command=(
            required("kube-router"),
            f"--kubeconfig={kubeconfig_path(layout, 'kube-router')}",
            "--run-firewall=true",
            "--run-router=false",
            "--run-service-proxy=false",
            f"--hostname-override={layout.name}",
            f"--service-cluster-ip-range={layout.service_subnet}",
            # Pods' and policies' changes are followed at once; this mends what somebody else has done to the rules.
            "--iptables-sync-period=30s",
            "--health-port=0",  # it is told beside the metrics, on the node's address alone
            f"--metrics-addr={layout.node_address}",
            f"--metrics-port={layout.policies_port}",
        ),
        needs=Need.DEFINITIONS,
        reads=_client_files(layout, "kube-router"),
    )


def _coredns(layout: Layout) -> Component:
    files = own_file(layout, "coredns", "Corefile"), own_file(layout, "coredns", KUBECONFIG)
    return Component(
        name="coredns",
        command=(*command_without_rights(layout, "coredns"), required("coredns"), "-conf", str(files[0])),
        needs=Need.DEFINITIONS,
        reads=files,
    )


def _traefik(layout: Layout) -> Component:
    """Lay out the gateway; it alone lives in the host's network, to listen on the host's loopback."""
    kubeconfig = own_file(layout, "traefik", KUBECONFIG)
    return Component(
        name="traefik",
        command=(
            required("nsenter"),
            f"--net={layout.run / 'host-network'}",
            *command_without_rights(layout, "traefik"),
            required("traefik"),
            f"--entrypoints.web.address={GATEWAY_ADDRESS}:{layout.gateway_port}",
            *_bounds_of_requests("web"),
            f"--entrypoints.websecure.address={GATEWAY_ADDRESS}:{layout.secure_gateway_port}",
            "--entrypoints.websecure.http.tls=true",  # so that no listener of plain HTTP gets that port
            *_bounds_of_requests("websecure"),
            "--providers.kubernetesgateway=true",
            f"--providers.kubernetesgateway.statusaddress.ip={GATEWAY_ADDRESS}",
            "--providers.kubernetescrd=true",
            "--providers.kubernetescrd.disableclusterscoperesources=true",
            "--providers.providersthrottleduration=100ms",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--log.level=INFO",
            "--log.nocolor=true",
        ),
        reads=(kubeconfig,),
        environment=(("KUBECONFIG", str(kubeconfig)),),
        needs=Need.DEFINITIONS,
    )


def _bounds_of_requests(entry_point: str) -> tuple[str, ...]:
    """Arguments for what strangers can't hold up: a request comes whole in time, and its answer is read in time."""
    return (
        f"--entrypoints.{entry_point}.http.maxheaderbytes=32768",  # of more than 80 KB, Triton hangs up without a word
        f"--entrypoints.{entry_point}.transport.respondingtimeouts.readtimeout=30s",
        f"--entrypoints.{entry_point}.transport.respondingtimeouts.writetimeout=180s",
    )
