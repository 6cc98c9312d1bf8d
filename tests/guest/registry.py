"""A registry as a platform team has one: behind TLS of an authority of its own, and behind a password."""

import base64
import contextlib
import datetime as dt
import ipaddress
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.guest.processes import await_port, free_port, running, trusting
from tests.guest.user import User

USER = "platform"
PASSWORD = "guest-registry"  # noqa: S105 - of a registry that lives as long as the tests
_HTPASSWD = "$2y$04$h4Mlo7ix7lC4bvg/0VkGwO8EjttdKi3/TIUzsicpuBFlHhyCMZtOG"  # bcrypt of the password
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry that runs.

    Attributes:
        host: its address and port, as an image's reference names it.
        authority: the certificate that whoever pulls or pushes must trust.
    """

    host: str
    authority: Path
    password: str = field(default=PASSWORD, repr=False)

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository, asked with the password; none where nothing was pushed."""
        request = urllib.request.Request(f"https://{self.host}/v2/{repository}/tags/list")
        request.add_header("Authorization", f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, context=trusting(self.authority)) as answer:
                return list(json.load(answer)["tags"] or [])
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise

    def trust_by_clients_of(self, user: User) -> None:
        """Have buildah and skopeo of a user trust it."""
        user.write(user.home / ".config" / "containers" / "certs.d" / self.host / "ca.crt", self.authority.read_text())

    def trust_by_node(self, registries: Path) -> None:
        """Have a node's containerd trust it, as an administrator does: its `config_path` is read whenever it pulls."""
        folder = registries / self.host
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ca.crt").write_bytes(self.authority.read_bytes())
        (folder / "hosts.toml").write_text(
            f'server = "https://{self.host}"\n\n[host."https://{self.host}"]\n'
            f'capabilities = ["pull", "resolve"]\nca = "{folder / "ca.crt"}"\n'
        )


@contextlib.contextmanager
def registry(folder: Path, address: str) -> Iterator[Registry]:
    """Run a registry while the context lasts.

    Args:
        folder: an empty folder for all that it keeps.
        address: the one of this machine that it listens on.
    """
    port = free_port(address)
    _write_certificates(folder, address)
    (folder / "htpasswd").write_text(f"{USER}:{_HTPASSWD}\n")
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {
            "addr": f"{address}:{port}",
            "tls": {"certificate": str(folder / "server.crt"), "key": str(folder / "server.key")},
        },
        "auth": {"htpasswd": {"realm": "guest", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    log = folder / "log"
    with running(["docker-registry", "serve", str(folder / "config.yml")], log=log, environment=os.environ) as process:
        await_port(address, port, process, log=log)
        yield Registry(host=f"{address}:{port}", authority=folder / "ca.crt")


def _write_certificates(folder: Path, address: str) -> None:
    """Make an authority, and a certificate of it for the address."""
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name, server_name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("guest's authority", "registry")
    )
    authority = (
        _certificate(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _certificate(server_name, authority_name, server_key)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    for name, certificate in (("ca.crt", authority), ("server.crt", server)):
        (folder / name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )
