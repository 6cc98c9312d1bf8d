"""Bring a cluster up from whatever state it is in."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from local_cluster import cgroups, host_forwarding, host_rules, network, packages, pki, programs, supervision, versions
from local_cluster.awaiting import await_condition
from local_cluster.capabilities import SYS_RESOURCE, has_capability
from local_cluster.component import Component, Need
from local_cluster.components import components
from local_cluster.configuration import rendered_files, unprivileged_files
from local_cluster.definitions import Definitions
from local_cluster.errors import DeadlineError, LocalClusterError
from local_cluster.files import make_folder, write_if_changed
from local_cluster.gateway_certificate import publish_certificate
from local_cluster.images import Images, pause_reference
from local_cluster.kube_api import KubeApi
from local_cluster.kubeconfigs import whole_kubeconfig
from local_cluster.layout import STORAGE_OWNER, Layout
from local_cluster.preflight import check_all
from local_cluster.program_copies import ProgramCopy, cluster_path, copy_programs, remove_unused_copies
from local_cluster.readiness import Readiness
from local_cluster.supervision import Supervisor
from local_cluster.teardown import FIXED_FOLDERS, end_processes, make_fixed_folders
from local_cluster.unprivileged import hand_over

_FOUNDATION = Path(__file__).parent / "foundation.sh"
_SUPERVISOR_S = 60
_COMPONENT_S = 120
_PODS_S = 180

Say = Callable[[str], None]


class FoundationError(LocalClusterError):
    """The cluster's namespaces could not be made."""


def bring_up(layout: Layout, say: Say) -> None:
    """Have the cluster run and be healthy, whatever there was before.

    Args:
        layout: the cluster.
        say: takes lines for the user about what is done and waited for.

    Raises:
        LocalClusterError: what is wrong, one line for each fault.
    """
    supervisor = Supervisor(layout)
    if is_at_work(layout, supervisor):
        parts, copies = write_state(layout)
        for name in supervisor.apply_configuration():
            say(f"{name}: started anew with its changed configuration")
    else:
        end_processes(layout)
        check_all(layout)
        parts, copies = write_state(layout)
        _start_foundation(layout, supervisor, say)
    remove_unused_copies(layout, copies)
    host_rules.ensure(layout)
    host_forwarding.ensure(layout)
    _converge(layout, supervisor, parts, say)


def is_at_work(layout: Layout, supervisor: Supervisor) -> bool:
    """Tell whether there is a cluster to go on with; one of an earlier version's, that lives elsewhere, is not."""
    return (
        supervisor.answers()
        and supervisor.pid() in cgroups.members(layout)
        and network.has_interface(layout)
        and _noted_foundation(layout).is_file()
        and _noted_foundation(layout).read_bytes() == _FOUNDATION.read_bytes()
    )


def note_foundation(layout: Layout) -> None:
    """Keep what a cluster's namespaces were made by."""
    write_if_changed(_noted_foundation(layout), _FOUNDATION.read_text(encoding="utf-8"))


def _noted_foundation(layout: Layout) -> Path:
    return layout.run / _FOUNDATION.name


def write_state(layout: Layout) -> tuple[tuple[Component, ...], dict[str, ProgramCopy]]:
    """Write the cluster's folders, credentials, programs and configuration, where they differ from what is there.

    Returns:
        The components that this configuration describes, and the copies of programs that are in use.
    """
    make_folder(layout.state.parent, mode=0o755)
    for folder, mode in ((layout.state, 0o755), (layout.logs, 0o700), (layout.config / "pod-network", 0o700)):
        make_folder(folder, mode=mode)
    make_folder(layout.config, mode=0o700)
    make_folder(layout.registries, mode=0o700)
    make_folder(layout.storage, mode=0o755, owner=STORAGE_OWNER)
    versions.refuse_downgrade(layout)
    pki.ensure_pki(layout, now=dt.datetime.now(dt.UTC))
    cni_folder = programs.cni_folder()
    if cni_folder is None:
        raise LocalClusterError(f"the CNI plugins are not installed: apt-get install {packages.cni_plugins().package}")
    copies = copy_programs(layout)
    runc = programs.required("runc")
    files = rendered_files(
        layout,
        runc=str(copies[runc].path) if runc in copies else runc,
        cni_folder=cni_folder,
        pause_image=pause_reference(),
        mtu=network.default_route_mtu(),
        may_lower_oom_score=has_capability(SYS_RESOURCE),
    )
    for path, content in files.items():
        write_if_changed(path, content)
    for component, own in unprivileged_files(layout, nameservers=network.nameservers()).items():
        hand_over(layout, component, own)
    write_if_changed(layout.kubeconfig, whole_kubeconfig(layout, "admin"))
    supervisor_file = layout.config / "supervisord.conf"
    parts = tuple(component.running(copies) for component in components(layout))
    write_if_changed(supervisor_file, supervision.configuration(layout, parts))
    return parts, copies


def _start_foundation(layout: Layout, supervisor: Supervisor, say: Say) -> None:
    """Start supervisord, and with it the components, in new namespaces."""
    make_fixed_folders()
    make_folder(layout.run, mode=0o700)
    cgroups.make_cgroups(layout)
    (layout.logs / "supervisord.log").unlink(missing_ok=True)
    log = layout.logs / "foundation.log"
    with log.open("wb") as output, cgroups.entrance(layout) as enter:
        try:
            process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "slave", "sh", str(_FOUNDATION), "outside"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_foundation_environment(layout),
                cwd=layout.state,
                start_new_session=True,
                preexec_fn=enter,  # noqa: PLW1509 - there are no other threads; so nothing of it is ever outside
            )
        except subprocess.SubprocessError as error:
            raise FoundationError(
                f"no process may enter cgroup {layout.cgroup} in every hierarchy: run on the machine itself, "
                "or in a container with a writable cgroup tree of its own"
            ) from error

    def reason() -> str | None:
        if process.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"]
            raise FoundationError(f"the cluster's namespaces could not be made: {lines[-1]} (all of it: {log})")
        return None if supervisor.answers() else "it does not answer yet"

    await_condition("the supervisor", reason, deadline_s=_SUPERVISOR_S, say=say)
    note_foundation(layout)


def _foundation_environment(layout: Layout) -> dict[str, str]:
    return {
        **programs.environment(),
        "PATH": cluster_path(layout),
        "RUN": str(layout.run),
        "CONFIG": str(layout.config),
        "FIXED_FOLDERS": " ".join(map(str, FIXED_FOLDERS)),
        "LINK": layout.link,
        "NODE_ADDRESS": layout.node_address,
        "HOST_ADDRESS": layout.host_address,
        "POD_SUBNET": layout.pod_subnet,
        "SERVICE_SUBNET": layout.service_subnet,
        "MTU": str(network.default_route_mtu()),
        "PYTHON": sys.executable,
    }


def _converge(layout: Layout, supervisor: Supervisor, parts: Sequence[Component], say: Say) -> None:
    """Wait for each part in the order of their needs, and give each what it needs of us."""
    api = KubeApi(layout)
    images = Images(layout)
    definitions = Definitions(layout, api)
    ready = Readiness(layout, api, supervisor)

    def until(what: str, reason: Callable[[], str | None], component: str) -> None:
        try:
            await_condition(what, reason, deadline_s=_COMPONENT_S, say=say)
        except DeadlineError as error:
            command = f"python -m local_cluster --name {layout.name} logs {component}"
            raise DeadlineError(f"{error}; `{command}` tells more") from error

    def start(need: Need) -> None:
        for component in parts:
            if component.needs is need:
                supervisor.start(component.name)

    start(Need.NOTHING)
    until("containerd", images.reason_not_answering, "containerd")
    images.ensure_pause_image()
    until("the API server", ready.api_server, "kube-apiserver")
    ready.remember_pods()
    start(Need.API_SERVER)
    if not definitions.are_applied():
        say("applying the gateway's definitions")
        definitions.apply_definitions()
        until("the gateway's definitions", definitions.reason_not_established, "kube-apiserver")
        definitions.apply_gateway_class()
    start(Need.DEFINITIONS)
    until("the gateway's certificate", lambda: publish_certificate(layout, api), "kube-apiserver")
    until("the cluster's DNS", ready.dns, "coredns")
    until("the node", ready.node, "kubelet")
    until("the network policies", ready.policies, "kube-router")
    until("the gateway", ready.gateway, "traefik")
    until("every component", ready.components, "supervisord")
    _await_pods(ready, say)


def _await_pods(ready: Readiness, say: Say) -> None:
    """Wait for the pods that ran before, in vain if need be: they may never come back."""
    try:
        await_condition("the pods that ran before", ready.pods, deadline_s=_PODS_S, say=say)
    except DeadlineError as error:
        say(f"the cluster is up, but {error}")
