"""What is wrong with a server's certificate and its key, as the files of a Secret hold them."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

CHAIN_FILE, KEY_FILE, AUTHORITY_FILE = "tls.crt", "tls.key", "ca.crt"

SOON_DAYS = 14
"""A certificate with less than this left is to be renewed."""

_SERVERS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def faults_of_certificate(files: Mapping[str, bytes], *, names: frozenset[str], now: dt.datetime) -> Iterator[str]:
    """Yield what keeps clients from trusting a certificate, or its gateway from using it, with what is accepted.

    Args:
        files: by name, PEM: the chain and the key; the authority where it is one of one's own.
        names: host names or addresses, one of which it must be for; none where that is not known.
        now: the time to judge by.
    """
    chain = _certificates(files.get(CHAIN_FILE, b""))
    if not chain:
        yield f"has no certificate in {CHAIN_FILE}; accepted: PEM, the server's own first, then whoever signed it"
        return
    if fault := _key_fault(files.get(KEY_FILE, b""), chain):
        yield fault
        return
    yield from _chain_faults(chain, now)
    yield from _server_faults(chain[0], names)
    if files.get(AUTHORITY_FILE, b"").strip():
        yield from _authority_faults(_certificates(files[AUTHORITY_FILE]), chain)


def last_day_of(files: Mapping[str, bytes]) -> dt.datetime | None:
    """When the first certificate of a chain ends; None where there is none."""
    return min((each.not_valid_after_utc for each in _certificates(files.get(CHAIN_FILE, b""))), default=None)


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _key_fault(pem: bytes, chain: Sequence[x509.Certificate]) -> str | None:
    accepted = "accepted: PEM, without a passphrase"
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        return f"has a key with a passphrase in {KEY_FILE}; {accepted}"
    except (ValueError, UnsupportedAlgorithm):
        return f"has no key in {KEY_FILE}; {accepted}"
    own = [each.public_key() == key.public_key() for each in chain]
    if own[0]:
        return None
    if any(own):
        return f"has another certificate first in {CHAIN_FILE} than that of its key; accepted: the server's own first"
    return f"has the key of another certificate in {KEY_FILE}; accepted: that of {_named(chain[0])}"


def _chain_faults(chain: Sequence[x509.Certificate], now: dt.datetime) -> Iterator[str]:
    for each, signer in pairwise(chain):
        if not _is_signed_by(each, signer):
            yield (
                f"has {_named(signer)} behind {_named(each)}, which it did not sign; accepted: the server's own, then "
                "whoever signed it, in that order"
            )
    for each in chain:
        start, end = each.not_valid_before_utc, each.not_valid_after_utc
        if end <= now:
            yield f"has {_named(each)}, which ended on {end:%Y-%m-%d}; accepted: one that is valid"
        elif start > now:
            yield f"has {_named(each)}, which is valid from {start:%Y-%m-%d %H:%M} UTC on; accepted: one that is valid"


def _server_faults(own: x509.Certificate, names: frozenset[str]) -> Iterator[str]:
    try:
        usages = set(own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usages = _SERVERS
    if not usages & _SERVERS:
        yield f"has {_named(own)}, which is for no server; accepted: one with the usage serverAuth"
    has = _names_of(own)
    if names and not any(_covers(pattern, name) for pattern in has for name in names):
        found = ", ".join(has) or "no host name and no address"
        yield f"is for {found}, and the URL has {' or '.join(sorted(names))}; accepted: a certificate for that"


def _authority_faults(authorities: Sequence[x509.Certificate], chain: Sequence[x509.Certificate]) -> Iterator[str]:
    top = chain[-1]
    if not any(top == each or _is_signed_by(top, each) for each in authorities):
        yield (
            f"has an authority in {AUTHORITY_FILE} that did not sign {_named(top)}, and clients are told to trust that "
            "alone; accepted: the one that did, or none where it is a public one"
        )


def _is_signed_by(certificate: x509.Certificate, signer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(signer)
    except Exception:  # noqa: BLE001 - a name, a signature or an algorithm: whatever it is, it was not this one
        return False
    return True


def _names_of(certificate: x509.Certificate) -> list[str]:
    """The names that clients go by: its alternative ones; a common name is not among them."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def _covers(pattern: str, name: str) -> bool:
    """Whether a certificate's name, or its wildcard for one label, is a host's."""
    try:
        return ip_address(pattern) == ip_address(name)
    except ValueError:
        pattern, name = pattern.lower(), name.lower()
    if pattern.startswith("*."):
        first, dot, rest = name.partition(".")
        return bool(first and dot) and rest == pattern[2:]
    return pattern == name


def _named(certificate: x509.Certificate) -> str:
    return f"certificate {certificate.subject.rfc4514_string() or 'without a subject'}"
