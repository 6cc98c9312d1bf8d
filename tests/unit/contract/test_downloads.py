import base64
import hashlib
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contract.digest import sha256_of_file
from contract.downloads import fetched, is_plain_file
from contract.errors import UrlError
from tests.background import in_background

CONTENT = b"weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = "0" * 64


LOGIN = "Basic " + base64.b64encode(b"me@home:p ss").decode()
REDIRECTS = {
    "/loop": "/loop",
    "/nowhere": f"https://{'a' * 64}.example/m.onnx",
    "/elsewhere": "gopher://models.example/m.onnx?sig=s3cret",
    "/moved": "/open",
}


class Models(BaseHTTPRequestHandler):
    """Answers rightly, with too little, with a redirect, or not found; one path wants a login, one wants none."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        login = self.headers.get("Authorization")
        if path == "/closed" and login == LOGIN:
            path = "/moved"
        elif path == "/open" and login is None:
            path = "/whole"
        if path in {"/whole", "/half"}:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT if path == "/whole" else CONTENT[:3000])
        elif path in REDIRECTS:
            self.send_response(302)
            self.send_header("Location", REDIRECTS[path])
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def write_certificate(folder: Path) -> Path:
    """Write a key and its own certificate for 127.0.0.1 into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "models")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def untrusted(certificate: Path) -> Iterator[str]:
    """Serve over HTTPS, and return where."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), Models) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with in_background(server):
            yield f"https://127.0.0.1:{server.server_port}"


@pytest.fixture
def served(untrusted: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return untrusted


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "storage" / "sources"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "m o#d?el.onnx"
    path.write_bytes(CONTENT)
    return path


def refusal(url: str, sha256: str, folder: Path, *, largest_bytes: int = 1 << 20) -> str:
    with pytest.raises(UrlError) as caught:
        fetched(url, sha256, folder, largest_bytes=largest_bytes)
    said = str(caught.value)
    assert "\n" not in said
    assert list(folder.iterdir()) == []
    return said


def test_a_file_is_kept_under_its_digest_and_only_read(source: Path, folder: Path) -> None:
    path = fetched(source.as_uri(), SHA256, folder, largest_bytes=len(CONTENT))
    assert path == folder / SHA256
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o444
    assert list(folder.iterdir()) == [path]


def test_what_is_kept_is_not_fetched_again(source: Path, folder: Path) -> None:
    path = fetched(source.as_uri(), SHA256, folder, largest_bytes=1 << 20)
    source.unlink()
    assert fetched(source.as_uri(), SHA256, folder, largest_bytes=1) == path


def test_what_is_kept_and_damaged_is_refused_with_the_cure(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    kept = folder / SHA256
    kept.write_bytes(b"other")
    found = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(UrlError) as caught:
        fetched(source.as_uri(), SHA256, folder, largest_bytes=1 << 20)
    assert str(caught.value) == (
        f"{kept} is damaged, its sha256 is {found}; accepted: {SHA256}; remove it and run again"
    )


def test_other_bytes_leave_nothing(source: Path, folder: Path) -> None:
    said = refusal(source.as_uri(), OTHER, folder)
    assert f" has sha256 {SHA256}, but the configuration says {OTHER}; " in said
    assert said.endswith("; where it is the right one, set sha256 to what it has")


def test_a_file_that_is_too_large_leaves_nothing(source: Path, folder: Path) -> None:
    said = refusal(source.as_uri(), SHA256, folder, largest_bytes=len(CONTENT) - 1)
    assert said.endswith(" is larger than 6999 bytes; accepted: at most so many")


@pytest.mark.parametrize("missing", [True, False])
def test_a_file_that_is_none_names_the_cure(tmp_path: Path, folder: Path, *, missing: bool) -> None:
    path = tmp_path / "missing.onnx" if missing else tmp_path
    said = refusal(path.as_uri(), SHA256, folder)
    assert said.startswith(f"file://{path}: ")
    assert said.endswith("; `make up` stages a file:// source on the storage")


def test_a_link_in_the_folder_is_replaced_and_what_it_leads_to_stays(
    tmp_path: Path, source: Path, folder: Path
) -> None:
    folder.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    (folder / SHA256).symlink_to(elsewhere)
    path = fetched(source.as_uri(), SHA256, folder, largest_bytes=1 << 20)
    assert not path.is_symlink()
    assert path.read_bytes() == CONTENT
    assert elsewhere.read_bytes() == b"mine"


def test_a_folder_in_the_way_is_the_storages_fault_and_leaves_nothing_else(source: Path, folder: Path) -> None:
    (folder / SHA256).mkdir(parents=True)
    with pytest.raises(OSError, match=SHA256):
        fetched(source.as_uri(), SHA256, folder, largest_bytes=1 << 20)
    assert [path.name for path in folder.iterdir()] == [SHA256]


def test_a_file_in_the_folders_way_is_the_storages_fault(source: Path, folder: Path) -> None:
    folder.parent.mkdir()
    folder.touch()
    with pytest.raises(NotADirectoryError):
        fetched(source.as_uri(), SHA256, folder, largest_bytes=1 << 20)


def test_only_a_file_is_a_plain_file(tmp_path: Path, source: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(source)
    assert is_plain_file(source)
    assert not is_plain_file(link)
    assert not is_plain_file(tmp_path)
    assert not is_plain_file(tmp_path / "missing")
    assert sha256_of_file(source) == SHA256


def test_a_file_is_fetched_over_https(served: str, folder: Path) -> None:
    assert fetched(f"{served}/whole", SHA256, folder, largest_bytes=1 << 20).read_bytes() == CONTENT


def test_a_login_goes_to_its_host_and_not_to_where_it_redirects(served: str, folder: Path) -> None:
    url = f"{served}/closed".replace("https://", "https://me%40home:p%20ss@")
    assert fetched(url, SHA256, folder, largest_bytes=1 << 20).read_bytes() == CONTENT


def test_a_wrong_login_is_one_line_without_it(served: str, folder: Path) -> None:
    said = refusal(f"{served}/closed".replace("https://", "https://me:s3cret@"), SHA256, folder)
    assert said == f"{served}/closed answers 404 Not Found; accepted: 200 with the file"


def test_where_a_redirect_leads_is_shown_without_its_query(served: str, folder: Path) -> None:
    said = refusal(f"{served}/elsewhere", SHA256, folder)
    assert "gopher://models.example/m.onnx?…" in said
    assert "s3cret" not in said


def test_half_a_file_is_not_taken_for_another_one(served: str, folder: Path) -> None:
    said = refusal(f"{served}/half", SHA256, folder)
    assert said == f"{served}/half ends 4000 bytes too early; accepted: the whole file, run again"


def test_a_missing_file_is_one_line_without_the_query(served: str, folder: Path) -> None:
    said = refusal(f"{served}/missing?sig=s3cret", SHA256, folder)
    assert said == f"{served}/missing?… answers 404 Not Found; accepted: 200 with the file"


def test_an_endless_redirect_is_one_line(served: str, folder: Path) -> None:
    said = refusal(f"{served}/loop", SHA256, folder)
    assert said.startswith(f"{served}/loop answers 302 ")
    assert said.endswith("; accepted: 200 with the file")


def test_a_redirect_to_a_host_whose_name_is_none_is_one_line(served: str, folder: Path) -> None:
    said = refusal(f"{served}/nowhere?sig=s3cret", SHA256, folder)
    assert said.startswith(f"{served}/nowhere?… does not answer: ")
    assert "s3cret" not in said


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_certificate_that_nobody_trusts_is_one_line(untrusted: str, folder: Path) -> None:
    said = refusal(f"{untrusted}/whole", SHA256, folder)
    assert said.startswith(f"{untrusted}/whole does not answer: [SSL: CERTIFICATE_VERIFY_FAILED]")


def test_a_closed_port_is_one_line(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}/m.onnx"
        said = refusal(f"{url}?sig=s3cret", SHA256, folder)
    assert said == f"{url}?… does not answer: [Errno 111] Connection refused; accepted: 200 with the file"
