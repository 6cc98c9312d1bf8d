import datetime as dt
import hashlib
import http.server
import ipaddress
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contract.manifest import json_from_manifest
from model_build import report as report_module
from model_build.errors import ReportError
from model_build.report import ClusterApi, cluster_api_from_pod, report_manifest, reported_sha256
from tests.background import in_background
from tests.unit.model_build.manifests import MANIFEST

TOKEN = Path(__file__).stem  # any text will do


class ApiServer(http.server.ThreadingHTTPServer):
    """Answers as the API server does, and keeps what it was asked."""

    requests: list[tuple[str, str, dict[str, str], Any]]
    status = 200
    reported: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: ApiServer

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        answer = {"kind": "Status", "message": 'configmaps "plan-x" is forbidden: not yours'}
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(json.dumps(answer if self.server.status >= 400 else {}).encode())

    def do_GET(self) -> None:
        self.server.requests.append((self.command, self.path, dict(self.headers), None))
        self.send_response(self.server.status)
        self.end_headers()
        data = None if self.server.reported is None else {"manifest.json": self.server.reported}
        answer = {"kind": "Status", "message": "not yours"} if self.server.status >= 400 else {"data": data}
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_certificate(tmp_path_factory.mktemp("other-tls"))


def written_certificate(folder: Path) -> Path:
    """Write a PEM file with a self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "ca.crt"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def server(certificate: Path) -> Iterator[ApiServer]:
    """Serve HTTPS on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ApiServer() as api_server:
        api_server.socket = context.wrap_socket(api_server.socket, server_side=True)
        with in_background(api_server):
            yield api_server


@pytest.fixture
def api(server: ApiServer, certificate: Path) -> ClusterApi:
    return ClusterApi(
        url=f"https://127.0.0.1:{server.server_port}",
        namespace="triton-dev",
        token=TOKEN,
        ca_file=certificate,
    )


def test_the_config_map_is_patched_with_the_compact_manifest(server: ApiServer, api: ClusterApi) -> None:
    report_manifest(MANIFEST, "plan-x", api)
    ((method, path, headers, body),) = server.requests
    assert (method, path) == ("PATCH", "/api/v1/namespaces/triton-dev/configmaps/plan-x")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/merge-patch+json"
    assert body == {"data": {"manifest.json": json_from_manifest(MANIFEST)}}


def test_a_refusal_shows_the_api_server_s_own_words(server: ApiServer, api: ClusterApi) -> None:
    server.status = 403
    with pytest.raises(ReportError) as raised:
        report_manifest(MANIFEST, "plan-x", api)
    assert str(raised.value) == (
        'ConfigMap plan-x in namespace triton-dev was not patched: 403 configmaps "plan-x" is forbidden: not yours'
    )


@pytest.mark.parametrize(("reported", "digest"), [(None, None), ("{}", hashlib.sha256(b"{}").hexdigest())])
def test_what_an_earlier_build_has_reported_is_read(
    server: ApiServer, api: ClusterApi, reported: str | None, digest: str | None
) -> None:
    server.reported = reported
    assert reported_sha256("plan-x", api) == digest
    ((method, path, headers, _),) = server.requests
    assert (method, path) == ("GET", "/api/v1/namespaces/triton-dev/configmaps/plan-x")
    assert headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_report_that_may_not_be_read_is_no_report(server: ApiServer, api: ClusterApi) -> None:
    server.status = 403
    with pytest.raises(ReportError, match="ConfigMap plan-x in namespace triton-dev was not read: 403 not yours"):
        reported_sha256("plan-x", api)


def test_a_server_of_another_authority_gets_no_token(server: ApiServer, api: ClusterApi, other_authority: Path) -> None:
    with pytest.raises(ReportError, match=r"does not answer: .*certificate verify failed"):
        report_manifest(MANIFEST, "plan-x", replace(api, ca_file=other_authority))
    assert server.requests == []


def test_a_server_that_does_not_answer_is_named(api: ClusterApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ReportError, match=f"{url} does not answer: .*timed out"):
            report_manifest(MANIFEST, "plan-x", replace(api, url=url))


def test_a_pod_s_mount_tells_how_to_reach_the_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "namespace").write_text("triton-dev")
    assert cluster_api_from_pod(tmp_path) == ClusterApi(
        url="https://[fd00::1]:443", namespace="triton-dev", token=TOKEN, ca_file=tmp_path / "ca.crt"
    )


def test_outside_a_pod_there_is_nothing_to_report_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ReportError, match="works inside a pod only: 'KUBERNETES_SERVICE_HOST'"):
        cluster_api_from_pod(tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(ReportError, match=r"service account: .*token: No such file"):
        cluster_api_from_pod(tmp_path)
