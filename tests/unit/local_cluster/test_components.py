import datetime as dt
from pathlib import Path

import pytest

from local_cluster import pki
from local_cluster.component import Component, Need
from local_cluster.components import NAMES, components
from local_cluster.errors import ProgramError
from local_cluster.layout import Layout
from local_cluster.program_copies import ProgramCopy

pytestmark = pytest.mark.usefixtures("programs_on_path")


def component(layout: Layout, name: str) -> Component:
    return next(one for one in components(layout) if one.name == name)


def test_all_components_are_there_in_the_order_of_their_needs(layout: Layout) -> None:
    parts = components(layout)

    assert tuple(part.name for part in parts) == NAMES
    needs = [part.needs for part in parts]
    assert needs == sorted(needs, key=list(Need).index)


def test_the_api_server_listens_on_the_nodes_address_alone(layout: Layout) -> None:
    command = component(layout, "kube-apiserver").command

    assert "--bind-address=10.210.1.1" in command
    assert "--authorization-mode=Node,RBAC" in command
    assert "--enable-admission-plugins=NodeRestriction" in command
    assert "--kubelet-preferred-address-types=InternalIP" in command


def test_etcd_wants_certificates_of_clients_and_peers(layout: Layout) -> None:
    command = component(layout, "etcd").command

    assert "--listen-client-urls=https://127.0.0.1:23800" in command
    assert {"--client-cert-auth", "--peer-client-cert-auth"} <= set(command)
    assert f"--trusted-ca-file={layout.pki / 'etcd-ca.crt'}" in command


def test_the_enforcer_of_policies_leaves_routes_and_services_alone(layout: Layout) -> None:
    router = component(layout, "kube-router")

    assert {"--run-firewall=true", "--run-router=false", "--run-service-proxy=false"} <= set(router.command)
    assert "--service-cluster-ip-range=10.211.1.0/24" in router.command
    assert {"--health-port=0", "--metrics-addr=10.210.1.1", "--metrics-port=20241"} <= set(router.command)
    assert layout.config / "kube-router.kubeconfig" in router.reads


@pytest.mark.parametrize("name", ["kube-controller-manager", "kube-scheduler"])
def test_controllers_listen_nowhere(layout: Layout, name: str) -> None:
    assert "--secure-port=0" in component(layout, name).command


def test_the_gateway_listens_on_the_hosts_loopback(layout: Layout) -> None:
    traefik = component(layout, "traefik")

    assert traefik.command[1] == f"--net={layout.run / 'host-network'}"
    assert "--entrypoints.web.address=127.0.0.1:8801" in traefik.command
    assert "--entrypoints.websecure.address=127.0.0.1:8901" in traefik.command
    assert "--entrypoints.websecure.http.tls=true" in traefik.command
    assert dict(traefik.environment) == {"KUBECONFIG": str(layout.state / "traefik" / "kubeconfig")}


@pytest.mark.parametrize("entry_point", ["web", "websecure"])
def test_nobody_holds_up_the_gateway_for_long(entry_point: str, layout: Layout) -> None:
    traefik = component(layout, "traefik")

    for bound in (
        "http.maxheaderbytes=32768",
        "transport.respondingtimeouts.readtimeout=30s",
        "transport.respondingtimeouts.writetimeout=180s",
    ):
        assert f"--entrypoints.{entry_point}.{bound}" in traefik.command


@pytest.mark.parametrize("name", ["coredns", "traefik"])
def test_who_talks_to_strangers_has_no_rights_and_reads_nothing_of_the_pki(layout: Layout, name: str) -> None:
    part = component(layout, name)

    program = next(word for word in part.command if word.endswith(f"/{name}"))
    before = part.command[: part.command.index(program)]
    assert {"--no-new-privs", "--bounding-set=-all", "--clear-groups"} <= set(before)
    assert not any(str(layout.pki) in word for word in part.command)
    assert {path.parent for path in part.reads} == {layout.state / name}


def test_copies_stand_in_the_place_of_their_originals(layout: Layout, programs_on_path: Path) -> None:
    def copy(digest: str) -> dict[str, ProgramCopy]:
        return {str(programs_on_path / "traefik"): ProgramCopy(path=layout.programs / "traefik", digest=digest)}

    plain = component(layout, "etcd")
    assert plain.running(copy("a")) == plain

    traefik = Component(name="traefik", command=(str(programs_on_path / "traefik"), "--x"), reads=())
    assert traefik.running(copy("a")).command == (str(layout.programs / "traefik"), "--x")
    assert traefik.running(copy("a")).digest() == traefik.running(copy("a")).digest()
    assert traefik.running(copy("a")).digest() != traefik.running(copy("b")).digest()


def test_what_a_component_reads_of_the_pki_is_there(layout: Layout) -> None:
    pki.ensure_pki(layout, now=dt.datetime.now(dt.UTC))

    for part in components(layout):
        missing = [path for path in part.reads if path.parent == layout.pki and not path.is_file()]
        assert missing == [], part.name


def test_a_missing_program_is_named_with_its_cure(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.find", lambda program: None if program == "etcd" else f"/bin/{program}")

    with pytest.raises(ProgramError, match="not on PATH: etcd; run `make tools`"):
        components(layout)
