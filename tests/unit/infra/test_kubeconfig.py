"""What of a kubeconfig goes into the state: one context's access, whole, and no path of a machine."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.kubeconfig import kubeconfig_text

if TYPE_CHECKING:
    from pathlib import Path

MERGED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "other",
    "clusters": [
        {"name": "other", "cluster": {"server": "https://other"}},
        {"name": "prod", "cluster": {"server": "https://prod", "certificate-authority": "pki/ca.crt"}},
    ],
    "contexts": [
        {"name": "other", "context": {"cluster": "other", "user": "other"}},
        {"name": "team@prod", "context": {"cluster": "prod", "user": "me", "namespace": "team"}},
    ],
    "users": [
        {"name": "other", "user": {"token": "not-ours"}},
        {"name": "me", "user": {"client-certificate": "ABSOLUTE/me.crt", "client-key": "pki/me.key"}},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A kubeconfig with certificates in files beside it, named relatively and absolutely."""
    (tmp_path / "pki").mkdir()
    for name in ("ca.crt", "me.crt", "me.key"):
        (tmp_path / "pki" / name).write_text(name)
    text = yaml.safe_dump(MERGED).replace("ABSOLUTE", str(tmp_path / "pki"))
    (tmp_path / "config").write_text(text)
    return tmp_path


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_one_context_is_taken_with_the_contents_of_its_files(folder: Path) -> None:
    text = kubeconfig_text(folder / "config", "team@prod")
    assert text is not None
    assert yaml.safe_load(text) == {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "team@prod",
        "clusters": [
            {
                "name": "prod",
                "cluster": {"server": "https://prod", "certificate-authority-data": encoded("ca.crt")},
            }
        ],
        "contexts": [{"name": "team@prod", "context": {"cluster": "prod", "user": "me", "namespace": "team"}}],
        "users": [
            {
                "name": "me",
                "user": {
                    "client-certificate-data": encoded("me.crt"),
                    "client-key-data": encoded("me.key"),
                },
            }
        ],
    }
    assert str(folder) not in text


def test_data_that_is_there_goes_before_a_file(folder: Path) -> None:
    document = yaml.safe_load((folder / "config").read_text())
    document["clusters"][1]["cluster"]["certificate-authority-data"] = encoded("another")
    (folder / "config").write_text(yaml.safe_dump(document))
    text = kubeconfig_text(folder / "config", "team@prod")
    assert text is not None
    assert yaml.safe_load(text)["clusters"][0]["cluster"] == {
        "server": "https://prod",
        "certificate-authority-data": encoded("another"),
    }


def test_two_machines_copies_are_one_text(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "kubeconfig"
    text = kubeconfig_text(folder / "config", "team@prod")
    assert text is not None
    other.write_text(text)
    assert kubeconfig_text(other, "team@prod") == text


@pytest.mark.parametrize("context", ["nobody", "team@prod"])
def test_what_can_not_be_found_is_left_for_kubernetes_to_say(folder: Path, context: str) -> None:
    (folder / "pki" / "ca.crt").unlink()
    assert kubeconfig_text(folder / "config", context) == (folder / "config").read_text()


def test_a_file_that_is_not_there_or_is_no_text_gives_nothing(tmp_path: Path) -> None:
    assert kubeconfig_text(tmp_path / "none", "x") is None
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    assert kubeconfig_text(tmp_path / "bytes", "x") is None
    (tmp_path / "broken").write_text("a: [")
    assert kubeconfig_text(tmp_path / "broken", "x") is None
