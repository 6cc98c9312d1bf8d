import argparse
import base64
from pathlib import Path

import pytest

from smoke_tests.access import KEY_VARIABLE, Access
from smoke_tests.errors import OptionError
from smoke_tests.settings import Settings
from tests.unit.smoke_tests.certificates import authority_in

HERS = {KEY_VARIABLE: "her:key"}


def test_client_and_key_are_sent_as_http_basic() -> None:
    access = Access.from_options(None, "alice", HERS)
    assert access.headers == {"Authorization": f"Basic {base64.b64encode(b'alice:her:key').decode()}"}
    assert access.without_key().headers == {}
    assert Access.from_options(None, None, {KEY_VARIABLE: ""}) == Access()


def test_key_is_not_shown() -> None:
    assert "her:key" not in repr(Access.from_options(None, "alice", HERS))


@pytest.mark.parametrize(
    ("client", "environment", "said"),
    [
        ("alice", {}, "--client alice has no key; accepted: with its key in the variable DENSENET_TRITON_KEY"),
        ("alice", {KEY_VARIABLE: ""}, "--client alice has no key; accepted: "),
        (None, HERS, "DENSENET_TRITON_KEY is set, and nobody is named; accepted: with --client, or: unset it"),
        ("al:ice", HERS, "--client 'al:ice' or its key cannot be sent; accepted: "),
        ("alice", {KEY_VARIABLE: "schlüssel"}, "--client 'alice' or its key cannot be sent; accepted: "),
        ("alice", {KEY_VARIABLE: "a\r\nHost: b"}, "--client 'alice' or its key cannot be sent; accepted: "),
    ],
)
def test_half_of_a_client_is_refused(client: str | None, environment: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError) as refusal:
        Access.from_options(None, client, environment)
    assert str(refusal.value).startswith(said)
    assert environment.get(KEY_VARIABLE) not in {*str(refusal.value).split()}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "ca.pem: No such file or directory; accepted: a file with a certificate in PEM"),
        ("", "ca.pem holds no certificate; accepted: a file with a certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ca.pem holds no certificate; accepted: "),
    ],
)
def test_file_without_a_certificate_is_refused(content: str | None, said: str, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    if content is not None:
        authority.write_text(content)
    with pytest.raises(OptionError, match=rf"^--ca {tmp_path}/{said}"):
        Access.from_options(authority, None, {})


def test_the_url_is_asked_with_it_and_the_replicas_are_not(
    options: argparse.Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "her:key")
    options.url, options.replica_url = "https://triton.example", ["127.0.0.1:8080"]
    options.ca, options.client = authority_in(tmp_path).file, "alice"
    settings = Settings.from_options(options)
    assert settings.url.access == Access(authority=options.ca, client="alice", key="her:key")
    assert [replica.access for replica in settings.replicas] == [Access()]


def test_authority_of_a_url_without_a_certificate_is_refused(options: argparse.Namespace, tmp_path: Path) -> None:
    options.ca = authority_in(tmp_path).file
    with pytest.raises(OptionError, match=r"with --url http://127.0.0.1:8000, which has no certificate; accepted: an"):
        Settings.from_options(options)
