"""What keeps a certificate from being trusted, each in words of its own."""

import datetime as dt

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.before.certificate_faults import faults_of_certificate, last_day_of
from tests.authorities import NOW, Pair, pair

HOST = "mug.example.org"
ROOT = pair("root", days=3650)
MIDDLE = pair("middle", by=ROOT, days=365)
OWN = pair("own", HOST, "*.wild.example.org", "10.0.0.1", by=MIDDLE)
OTHER = pair("other", HOST, by=ROOT)


def files(*chain: Pair, key: bytes | None = None, authority: bytes = b"") -> dict[str, bytes]:
    own = chain[0].key_pem() if key is None else key
    return {"tls.crt": b"".join(each.pem for each in chain), "tls.key": own, "ca.crt": authority}


def faults(found: dict[str, bytes], *names: str, now: dt.datetime = NOW) -> list[str]:
    return list(faults_of_certificate(found, names=frozenset(names), now=now))


@pytest.mark.parametrize("name", [HOST, "Mug.Example.org", "a.wild.example.org", "10.0.0.1"])
def test_a_chain_with_its_key_is_right_for_its_names(name: str) -> None:
    assert faults(files(OWN, MIDDLE), name) == []
    assert faults(files(OWN, MIDDLE, ROOT, authority=ROOT.pem), name) == []
    assert faults(files(OWN, MIDDLE, authority=OTHER.pem + ROOT.pem), name) == []


@pytest.mark.parametrize("name", ["other.example.org", "a.b.wild.example.org", "wild.example.org", "10.0.0.2"])
def test_for_any_other_name_it_is_refused(name: str) -> None:
    assert faults(files(OWN, MIDDLE), name) == [
        f"is for {HOST}, *.wild.example.org, 10.0.0.1, and the URL has {name}; accepted: a certificate for that"
    ]
    assert faults(files(OWN, MIDDLE)) == [], "of a URL that is not known yet nothing is said"


def test_a_common_name_is_no_name_that_clients_go_by() -> None:
    bare = pair(HOST, by=ROOT)
    assert faults(files(bare), HOST)[0].startswith("is for no host name and no address, and the URL has")


@pytest.mark.parametrize("pem", [b"", b"no certificate", OWN.key_pem()])
def test_what_is_no_certificate(pem: bytes) -> None:
    (fault,) = faults(files(OWN) | {"tls.crt": pem}, HOST)
    assert fault.startswith("has no certificate in tls.crt; accepted: PEM, the server's own first")
    assert last_day_of({"tls.crt": pem}) is None


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (b"", "has no key in tls.key; accepted: PEM, without a passphrase"),
        (b"no key", "has no key in tls.key; accepted: PEM, without a passphrase"),
        (OWN.key_pem(b"secret"), "has a key with a passphrase in tls.key; accepted: PEM, without a passphrase"),
        (OTHER.key_pem(), "has the key of another certificate in tls.key; accepted: that of certificate CN=own"),
        (MIDDLE.key_pem(), "has another certificate first in tls.crt than that of its key; accepted: the server's own"),
    ],
    ids=["none", "no PEM", "passphrase", "another's", "the authority's"],
)
def test_a_key_that_is_not_the_certificates(key: bytes, said: str) -> None:
    (fault,) = faults(files(OWN, MIDDLE, key=key), HOST)
    assert fault.startswith(said)


def test_a_chain_out_of_order() -> None:
    (fault,) = faults(files(OWN, ROOT, MIDDLE), HOST)[:1]
    assert fault.startswith("has certificate CN=root behind certificate CN=own, which it did not sign; accepted:")


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW + dt.timedelta(days=60), "has certificate CN=own, which ended on 2030-07-31; accepted: one that is valid"),
        (NOW - dt.timedelta(days=30, hours=1), "has certificate CN=own, which is valid from 2030-05-02 00:00 UTC on;"),
    ],
)
def test_one_that_is_not_valid_now(now: dt.datetime, said: str) -> None:
    assert faults(files(OWN, MIDDLE), HOST, now=now)[0].startswith(said)
    assert faults(files(OWN, MIDDLE), HOST, now=NOW + dt.timedelta(days=59)) == []


def test_an_authority_in_the_chain_that_has_ended() -> None:
    old = pair("old", by=ROOT, days=20)
    (fault,) = faults(files(pair("own", HOST, by=old), old), HOST)
    assert fault.startswith("has certificate CN=old, which ended on 2030-05-22")
    assert last_day_of(files(OWN, old)) == old.certificate.not_valid_after_utc


@pytest.mark.parametrize("usage", [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, None])
def test_a_certificate_that_may_be_a_servers(usage: object) -> None:
    own = pair("own", HOST, by=ROOT, usage=usage)  # type: ignore[arg-type]
    assert faults(files(own), HOST) == []


def test_a_clients_certificate() -> None:
    own = pair("own", HOST, by=ROOT, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    assert faults(files(own), HOST) == [
        "has certificate CN=own, which is for no server; accepted: one with the usage serverAuth"
    ]


@pytest.mark.parametrize("authority", [OTHER.pem, b"no certificate", MIDDLE.pem], ids=["another", "none", "beside"])
def test_an_authority_that_signed_nothing_of_it(authority: bytes) -> None:
    found = files(OWN, MIDDLE, authority=authority) if authority != MIDDLE.pem else files(OTHER, authority=authority)
    (fault,) = faults(found, HOST)
    assert fault.startswith("has an authority in ca.crt that did not sign certificate CN=")
