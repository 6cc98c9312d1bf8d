import json
from pathlib import Path

import pytest

from local_cluster import programs
from local_cluster.errors import LocalClusterError
from local_cluster.layout import Layout
from local_cluster.versions import DowngradeError, refuse_downgrade


class Checkout:
    """A folder of programs, first on PATH, that say which version they are and note that they were asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked = folder / "asked"

    def has(self, kubernetes: str, etcd: str) -> None:
        self._write("kube-apiserver", kubernetes)
        self._write("etcd", etcd)
        self.asked.unlink(missing_ok=True)

    def _write(self, name: str, says: str) -> None:
        program = self._folder / name
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\necho {name} >>{self.asked}\necho '{says}'\n", encoding="utf-8")
        program.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(programs, "find", lambda program: str(folder / program))
    return Checkout(folder)


@pytest.fixture
def written(layout: Layout, checkout: Checkout) -> Checkout:
    """Data that Kubernetes 1.38 and etcd 3.6 have written."""
    checkout.has("Kubernetes v1.38.1", "etcd Version: 3.6.7\nGit SHA: 1.2.3")
    refuse_downgrade(layout)
    (layout.state / "etcd").mkdir()
    return checkout


def test_an_older_kubernetes_is_refused_with_what_to_do(layout: Layout, written: Checkout) -> None:
    written.has("Kubernetes v1.37.9", "etcd Version: 3.6.7")

    with pytest.raises(DowngradeError, match=r"written by Kubernetes 1\.38\.1 \(here it is 1\.37\.9\), and") as caught:
        refuse_downgrade(layout)

    assert "\n" not in str(caught.value)
    assert "go on with the checkout that has the newer" in str(caught.value)
    assert "`python -m local_cluster --name embedded-test down`" in str(caught.value)


def test_a_refusal_forgets_nothing(layout: Layout, written: Checkout) -> None:
    written.has("Kubernetes v1.38.1", "etcd Version: 3.5.2")

    for _ in range(2):
        with pytest.raises(DowngradeError, match=r"written by etcd 3\.6\.7 \(here it is 3\.5\.2\)"):
            refuse_downgrade(layout)


@pytest.mark.parametrize("version", ["1.38.0", "1.38.2", "1.39.0", "2.0.0"])
def test_another_patch_and_a_newer_release_are_welcome(layout: Layout, written: Checkout, version: str) -> None:
    written.has(f"Kubernetes v{version}", "etcd Version: 3.6.7")

    refuse_downgrade(layout)


def test_without_data_anything_goes(layout: Layout, written: Checkout) -> None:
    (layout.state / "etcd").rmdir()
    written.has("Kubernetes v1.30.0", "etcd Version: 3.5.0")

    refuse_downgrade(layout)


def test_the_same_programs_are_not_asked_again(layout: Layout, written: Checkout) -> None:
    written.asked.unlink()

    refuse_downgrade(layout)

    assert not written.asked.exists()


@pytest.mark.parametrize("content", ["", "null", "[1]", '{"etcd": 3}', '{"etcd": {"program": "x", "text": "new"}}'])
def test_a_damaged_record_is_no_record(layout: Layout, written: Checkout, content: str) -> None:
    (layout.state / "versions.json").write_text(content, encoding="utf-8")

    refuse_downgrade(layout)

    assert set(json.loads((layout.state / "versions.json").read_text(encoding="utf-8"))) == {"etcd", "kube-apiserver"}
    assert written.asked.exists()


def test_a_program_that_tells_no_version_is_one_line(layout: Layout, checkout: Checkout) -> None:
    checkout.has("hello", "etcd Version: 3.6.7")

    with pytest.raises(LocalClusterError, match="kube-apiserver --version` tells no version: run `make tools`"):
        refuse_downgrade(layout)
