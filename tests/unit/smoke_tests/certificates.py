"""An authority of one's own, and certificates that it signs, good and bad."""

import datetime as dt
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """What signs; its certificate lies in `folder`/ca.pem."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def context(self, address: str = "127.0.0.1", *, days: int = 1) -> ssl.SSLContext:
        """What a server of this address needs; `days` below 0 are over."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        basic = x509.BasicConstraints(ca=False, path_length=None)
        certificate = signed(self, key, _named(address), days, (subject, basic))
        file = self.folder / f"{address}-{days}.pem"
        file.write_bytes(_pem_of_key(key) + certificate.public_bytes(serialization.Encoding.PEM))
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        return made


def authority_in(folder: Path, name: str = "Door CA") -> Authority:
    folder.mkdir(exist_ok=True)
    made = Authority(folder, ec.generate_private_key(ec.SECP256R1()), _named(name))
    own = signed(made, made.key, made.name, 1, (x509.BasicConstraints(ca=True, path_length=0),))
    made.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    return made


def signed(
    authority: Authority,
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    days: int,
    extensions: tuple[x509.ExtensionType, ...],
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(authority.key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    kind, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, no_password)
