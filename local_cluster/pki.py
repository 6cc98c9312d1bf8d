"""Keys and certificates: three authorities, one certificate for each identity.

etcd has an authority of its own, so that no cluster credential opens the store; the gateway has one, so that its
clients trust nothing else of the cluster.
"""

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local_cluster.files import make_folder, write_if_changed
from local_cluster.layout import GATEWAY_ADDRESS, Layout

AUTHORITY_DAYS = 20 * 365
CERTIFICATE_DAYS = 2 * 365
RENEW_DAYS = 60
"""A certificate with less than this left is renewed by the next `up`."""

CLUSTER_AUTHORITY = "ca"
ETCD_AUTHORITY = "etcd-ca"
GATEWAY_AUTHORITY = "gateway-ca"
GATEWAY = "gateway"
"""The identity that the gateway's clients see."""
SERVICE_ACCOUNT = "service-account"
_API_SERVER_HOSTS = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A certificate to be: who it names, who signs it, what it may do.

    Attributes:
        file: name of the certificate's and the key's file, without suffix.
        user: common name; the user that the API server sees.
        group: organisation; the group that the API server sees.
        server: whether it may serve TLS; every certificate may be a client's.
        addresses: IPv4 addresses that it serves.
        hosts: DNS names that it serves.
        authority: file of the authority that signs it.
    """

    file: str
    user: str
    group: str | None = None
    server: bool = False
    addresses: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    authority: str = CLUSTER_AUTHORITY


def identities(layout: Layout) -> tuple[Identity, ...]:
    """List every certificate of a cluster."""
    node = f"system:node:{layout.name}"
    return (
        Identity(
            file="apiserver",
            user="kube-apiserver",
            server=True,
            addresses=(layout.node_address, layout.kubernetes_service_address),
            hosts=_API_SERVER_HOSTS,
        ),
        Identity(file="apiserver-kubelet-client", user="kube-apiserver-kubelet-client"),
        Identity(file="apiserver-etcd-client", user="kube-apiserver-etcd-client", authority=ETCD_AUTHORITY),
        Identity(
            file="etcd",
            user="etcd",
            server=True,
            addresses=("127.0.0.1",),
            hosts=("localhost",),
            authority=ETCD_AUTHORITY,
        ),
        Identity(file="admin", user="admin", group="system:masters"),
        Identity(file="kube-controller-manager", user="system:kube-controller-manager"),
        Identity(file="kube-scheduler", user="system:kube-scheduler"),
        Identity(file="kube-proxy", user="system:kube-proxy"),
        Identity(
            file="kubelet",
            user=node,
            group="system:nodes",
            server=True,
            addresses=(layout.node_address,),
            hosts=(layout.name,),
        ),
        Identity(file="kube-router", user="kube-router"),
        Identity(file="coredns", user="coredns"),
        Identity(file="traefik", user="traefik"),
        _gateway(layout),
    )


def _gateway(layout: Layout) -> Identity:
    return Identity(
        file=GATEWAY,
        user=f"{layout.name} gateway",
        server=True,
        addresses=(GATEWAY_ADDRESS,),
        hosts=("localhost",),
        authority=GATEWAY_AUTHORITY,
    )


def certificate_path(layout: Layout, file: str) -> Path:
    """Return where an identity's or authority's certificate lies (PEM)."""
    return layout.pki / f"{file}.crt"


def key_path(layout: Layout, file: str) -> Path:
    """Return where an identity's or authority's private key lies (PEM, PKCS 8)."""
    return layout.pki / f"{file}.key"


def ensure_pki(layout: Layout, *, now: dt.datetime) -> list[str]:
    """Make what is missing, damaged, about something else, near its end or not valid yet; leave the rest alone.

    Args:
        layout: the cluster; its state folder exists.
        now: the time to judge validity by, with a time zone.

    Returns:
        The files (without suffix) that were made.
    """
    make_folder(layout.pki, mode=0o700)
    made = []
    authorities = {}
    for file in (CLUSTER_AUTHORITY, ETCD_AUTHORITY, GATEWAY_AUTHORITY):
        pair = _read_pair(layout, file)
        if pair is None or not _serves_at(pair[0], now):
            pair = _new_authority(f"{layout.name} {file}", now)
            _write_pair(layout, file, pair)
            made.append(file)
        authorities[file] = pair
    for identity in identities(layout):
        pair = _read_pair(layout, identity.file)
        authority = authorities[identity.authority]
        if pair is None or not _serves_at(pair[0], now) or not _fits(pair[0], identity, authority[0]):
            _write_pair(layout, identity.file, _new_certificate(identity, authority, now))
            made.append(identity.file)
    if _ensure_service_account_key(layout):
        made.append(SERVICE_ACCOUNT)
    return made


Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _ensure_service_account_key(layout: Layout) -> bool:
    private = key_path(layout, SERVICE_ACCOUNT)
    key = _read_key(private)
    is_new = key is None
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        write_if_changed(private, _key_pem(key))
    write_if_changed(
        layout.pki / f"{SERVICE_ACCOUNT}.pub",
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )
    return is_new


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _read_pair(layout: Layout, file: str) -> Pair | None:
    """Read a certificate with its key; None unless both are whole and belong together."""
    key = _read_key(key_path(layout, file))
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path(layout, file).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if key is None or certificate.public_key() != key.public_key():
        return None
    return certificate, key


def _write_pair(layout: Layout, file: str, pair: Pair) -> None:
    write_if_changed(key_path(layout, file), _key_pem(pair[1]))
    write_if_changed(certificate_path(layout, file), pair[0].public_bytes(serialization.Encoding.PEM))


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _serves_at(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """Tell whether a certificate is valid, and will be for long: a clock that ran ahead makes some for the future."""
    remaining = certificate.not_valid_after_utc - now
    return certificate.not_valid_before_utc <= now and remaining >= dt.timedelta(days=RENEW_DAYS)


def _fits(certificate: x509.Certificate, identity: Identity, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever the fault is, the certificate is made again
        return False
    names = _names_of(certificate)
    return certificate.subject == _subject(identity) and names == set(_alternative_names(identity))


def _names_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return set()


def _subject(identity: Identity) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, identity.user)]
    if identity.group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.group))
    return x509.Name(attributes)


def _alternative_names(identity: Identity) -> list[x509.GeneralName]:
    return [
        *(x509.IPAddress(IPv4Address(address)) for address in identity.addresses),
        *(x509.DNSName(host) for host in identity.hosts),
    ]


def _builder(
    subject: x509.Name, public_key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _new_authority(name: str, now: dt.datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, key.public_key(), now, AUTHORITY_DAYS)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _new_certificate(identity: Identity, authority: Pair, now: dt.datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if identity.server:
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    builder = (
        _builder(_subject(identity), key.public_key(), now, CERTIFICATE_DAYS)
        .issuer_name(authority[0].subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority[1].public_key()), critical=False)
    )
    if names := _alternative_names(identity):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority[1], hashes.SHA256()), key
