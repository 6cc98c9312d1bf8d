import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import debian
from tools.debian import install_missing, missing_packages, packages
from tools.errors import CatalogueError, PackagesError

MakeProgram = Callable[..., Path]

_LIST = """
[iproute2]
purposes = ["cluster"]
programs = ["ip"]
[nftables]
purposes = ["cluster"]
programs = ["nft"]
[buildah]
purposes = ["images"]
programs = ["buildah"]
[keyring]
purposes = ["images"]
files = ["bin"]
folders = ["/nowhere", "{there}"]
[docker-registry]
purposes = ["tests"]
programs = ["docker-registry"]
[python3-venv]
purposes = ["python"]
python_module = "no_such_module"
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_program: MakeProgram) -> Path:
    """A machine that has `ip`, and an apt-get that only writes down what it was told."""
    folder = tmp_path / "bin"
    monkeypatch.setattr(debian, "_ADMIN_FOLDERS", "/nowhere")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    listed = tmp_path / "debian.toml"
    listed.write_text(_LIST.format(there=tmp_path))
    monkeypatch.setattr(debian, "packages", lambda: packages(listed))
    make_program(folder / "ip", "")
    make_program(folder / "apt-cache", "")
    script = make_program(folder / "apt-get", "")
    script.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/apt.log\n')
    return folder


def apt_calls(tmp_path: Path) -> list[str]:
    log = tmp_path / "apt.log"
    return log.read_text().splitlines() if log.exists() else []


def test_what_a_machine_lacks_is_found_by_purpose() -> None:
    assert missing_packages("cluster", os.environ) == ["nftables"]
    assert missing_packages("tests", os.environ) == ["docker-registry"]


def test_what_only_tests_want_is_no_part_of_all() -> None:
    assert missing_packages(None, os.environ) == ["nftables", "buildah", "python3-venv"]


def test_all_of_it_is_installed_in_one_step(tmp_path: Path) -> None:
    install_missing(None)

    (call,) = apt_calls(tmp_path)
    assert call.endswith("nftables buildah python3-venv")


def test_nothing_is_run_where_nothing_is_missing(tmp_path: Path, machine: Path, make_program: MakeProgram) -> None:
    make_program(machine / "nft", "")

    install_missing("cluster")

    assert apt_calls(tmp_path) == []


def test_lists_that_do_not_know_the_packages_are_updated_first(
    tmp_path: Path, machine: Path, make_program: MakeProgram
) -> None:
    make_program(machine / "apt-cache", "", 100)

    install_missing("cluster")

    assert apt_calls(tmp_path)[0].endswith(" update")
    assert apt_calls(tmp_path)[1].endswith("nftables")


def test_who_is_not_root_is_told_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(PackagesError, match=r"only root can install them: sudo apt-get install nftables$"):
        install_missing("cluster")


def test_an_apt_get_that_fails_is_one_line(machine: Path, make_program: MakeProgram) -> None:
    make_program(machine / "apt-get", "E: broken", 100)

    with pytest.raises(PackagesError, match="apt-get could not install nftables: broken; mend its sources"):
        install_missing("cluster")


@pytest.mark.parametrize(("files", "missing"), [(["ptp", "portmap"], []), (["ptp"], ["plugins"])])
def test_a_package_is_there_when_one_folder_holds_all_of_its_files(
    tmp_path: Path, files: list[str], missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "portmap").touch()
    for file in files:
        (tmp_path / "one" / file).touch()
    listed = tmp_path / "debian.toml"
    folders = [str(tmp_path / "one"), str(tmp_path / "other")]
    listed.write_text(f'[plugins]\npurposes = ["cluster"]\nfiles = ["ptp", "portmap"]\nfolders = {folders}\n')
    monkeypatch.setattr(debian, "packages", lambda: packages(listed))

    assert missing_packages("cluster", os.environ) == missing


def test_a_damaged_list_is_named(tmp_path: Path) -> None:
    listed = tmp_path / "debian.toml"
    listed.write_text('[runc]\npurposes = ["clusters"]\n')

    with pytest.raises(CatalogueError, match=r"runc.purposes is \['clusters'\]; accepted: a list of cluster, images"):
        packages(listed)


def test_the_real_list_is_whole() -> None:
    assert {"runc", "iproute2", "containernetworking-plugins", "buildah"} <= {package.name for package in packages()}
