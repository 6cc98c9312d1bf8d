import contextlib
import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local_cluster import pki
from local_cluster.layout import Layout

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def certificate(layout: Layout, file: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.certificate_path(layout, file).read_bytes())


def subject(layout: Layout, file: str) -> tuple[str, str | None]:
    name = certificate(layout, file).subject
    groups = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    user = name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return str(user), str(groups[0].value) if groups else None


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_the_owner_reads_the_keys(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)

    assert stat.S_IMODE(layout.pki.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in layout.pki.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("file", "user", "group"),
    [
        ("admin", "admin", "system:masters"),
        ("kubelet", "system:node:embedded-test", "system:nodes"),
        ("kube-controller-manager", "system:kube-controller-manager", None),
        ("kube-scheduler", "system:kube-scheduler", None),
        ("kube-proxy", "system:kube-proxy", None),
        ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", None),
        ("coredns", "coredns", None),
        ("traefik", "traefik", None),
    ],
)
def test_identities_are_what_kubernetes_expects(layout: Layout, file: str, user: str, group: str | None) -> None:
    pki.ensure_pki(layout, now=NOW)

    assert subject(layout, file) == (user, group)


def test_etcd_trusts_an_authority_of_its_own(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)

    etcd, cluster = certificate(layout, pki.ETCD_AUTHORITY), certificate(layout, pki.CLUSTER_AUTHORITY)
    certificate(layout, "apiserver-etcd-client").verify_directly_issued_by(etcd)
    certificate(layout, "etcd").verify_directly_issued_by(etcd)
    certificate(layout, "kubelet").verify_directly_issued_by(cluster)
    with pytest.raises(ValueError, match="does not match"):
        certificate(layout, "admin").verify_directly_issued_by(etcd)


def test_the_gateways_clients_trust_nothing_else_of_the_cluster(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)

    authority = certificate(layout, pki.GATEWAY_AUTHORITY)
    signed = []
    for identity in pki.identities(layout):
        with contextlib.suppress(ValueError):
            certificate(layout, identity.file).verify_directly_issued_by(authority)
            signed.append(identity.file)
    assert signed == [pki.GATEWAY]
    assert subject(layout, pki.GATEWAY_AUTHORITY) == ("embedded-test gateway-ca", None)


def test_the_gateway_is_itself_by_its_address_and_as_localhost(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)

    found = certificate(layout, pki.GATEWAY).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in found.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert found.get_values_for_type(x509.DNSName) == ["localhost"]


def test_the_api_server_is_itself_by_every_name(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)

    names = certificate(layout, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"10.210.1.1", "10.211.1.1"}
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_only_servers_may_serve(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)

    servers = set()
    for identity in pki.identities(layout):
        extensions = certificate(layout, identity.file).extensions
        usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.SERVER_AUTH in usage:
            servers.add(identity.file)
    assert servers == {"apiserver", "etcd", "kubelet", pki.GATEWAY}


def test_certificates_last_more_than_a_year(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)

    for identity in pki.identities(layout):
        assert certificate(layout, identity.file).not_valid_after_utc > NOW + dt.timedelta(days=366)


def test_a_second_time_changes_nothing(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)
    before = contents(layout.pki)

    assert pki.ensure_pki(layout, now=NOW + dt.timedelta(days=1)) == []
    assert contents(layout.pki) == before


def test_certificates_near_their_end_are_renewed_under_the_same_authority(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)
    authority = certificate(layout, pki.CLUSTER_AUTHORITY)
    service_account = pki.key_path(layout, pki.SERVICE_ACCOUNT).read_bytes()
    end = certificate(layout, "admin").not_valid_after_utc
    near_the_end = end - dt.timedelta(days=30)

    assert pki.ensure_pki(layout, now=end - dt.timedelta(days=90)) == []
    made = pki.ensure_pki(layout, now=near_the_end)

    assert sorted(made) == sorted(identity.file for identity in pki.identities(layout))
    assert certificate(layout, pki.CLUSTER_AUTHORITY) == authority
    assert pki.key_path(layout, pki.SERVICE_ACCOUNT).read_bytes() == service_account
    assert certificate(layout, "admin").not_valid_after_utc > near_the_end + dt.timedelta(days=366)


def test_what_a_clock_that_ran_ahead_has_made_is_made_again(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW + dt.timedelta(days=365))

    made = pki.ensure_pki(layout, now=NOW)

    assert {pki.CLUSTER_AUTHORITY, pki.ETCD_AUTHORITY, "admin", "apiserver", "etcd"} <= set(made)
    for file in set(made):
        assert certificate(layout, file).not_valid_before_utc <= NOW
    assert pki.ensure_pki(layout, now=NOW) == []


def test_a_certificate_of_the_future_is_made_again_under_an_authority_of_today(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)
    for suffix in ("key", "crt"):
        (layout.pki / f"admin.{suffix}").unlink()
    pki.ensure_pki(layout, now=NOW + dt.timedelta(days=365))

    assert pki.ensure_pki(layout, now=NOW) == ["admin"]


@pytest.mark.parametrize("suffix", ["key", "crt"])
@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_pair_is_made_again(layout: Layout, suffix: str, damage: bytes | None) -> None:
    pki.ensure_pki(layout, now=NOW)
    victim = layout.pki / f"admin.{suffix}"
    victim.unlink() if damage is None else victim.write_bytes(damage)

    assert pki.ensure_pki(layout, now=NOW) == ["admin"]


def test_a_key_of_another_certificate_is_made_again(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)
    pki.key_path(layout, "admin").write_bytes(pki.key_path(layout, "traefik").read_bytes())

    assert pki.ensure_pki(layout, now=NOW) == ["admin"]


def test_a_lost_authority_takes_all_that_it_signed_along(layout: Layout) -> None:
    pki.ensure_pki(layout, now=NOW)
    pki.key_path(layout, pki.ETCD_AUTHORITY).unlink()

    assert sorted(pki.ensure_pki(layout, now=NOW)) == ["apiserver-etcd-client", "etcd", pki.ETCD_AUTHORITY]
