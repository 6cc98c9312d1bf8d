from collections.abc import Callable
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.catalogue import Program
from tools.installed import Installed
from tools.versions import VersionRange

MakeProgram = Callable[..., Path]
KUBECTL = Program(
    name="kubectl",
    package=".",
    ask=("version",),
    suitable={"cluster": VersionRange.parsed(">=1.36, <1.39"), "pulumi": VersionRange.parsed(">=1.24")},
)
PULUMI = Program(
    name="pulumi",
    package=".",
    suitable={"pulumi": VersionRange.parsed(">=3.200, <4")},
    beside=("pulumi-language-python",),
)
PROVIDER = Program(
    name="pulumi-resource-kubernetes",
    package=".",
    suitable={"pulumi": VersionRange.parsed("==4.25.0")},
    plugin="resource-kubernetes-v4.25.0",
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def environment(tmp_path: Path, bin_folder: Path) -> dict[str, str]:
    return {"PATH": f"{bin_folder}:/usr/bin:/bin", "PULUMI_HOME": str(tmp_path / "pulumi")}


def asked(program: Path) -> int:
    notes = Path(f"{program}.asked")
    return len(notes.read_text().splitlines()) if notes.exists() else 0


def test_a_suitable_program_serves(
    cache: Cache, bin_folder: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    kubectl = make_program(bin_folder / "kubectl", "Client Version: v1.36.4")

    verdict = Installed(cache, environment).verdict(KUBECTL)

    assert (verdict.path, verdict.reason) == (kubectl, "1.36.4")


def test_another_version_does_not_serve_and_the_reason_says_which(
    cache: Cache, bin_folder: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    kubectl = make_program(bin_folder / "kubectl", "Client Version: v1.32.4")

    verdict = Installed(cache, environment).verdict(KUBECTL)

    assert (verdict.path, verdict.reason) == (None, f"{kubectl} is 1.32.4, not >=1.36, <1.39")


def test_an_older_one_serves_where_no_embedded_cluster_is_wanted(
    cache: Cache, bin_folder: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    kubectl = make_program(bin_folder / "kubectl", "Client Version: v1.24.0")

    assert Installed(cache, environment).verdict(KUBECTL, ["pulumi"]).path == kubectl
    assert Installed(cache, environment).verdict(KUBECTL, ["pulumi", "cluster"]).path is None


@pytest.mark.parametrize("answer", [("v1.37.2", 1), ("usage: kubectl …", 0), ("\\377\\0 1.37", 0)])
def test_a_program_that_does_not_tell_its_version_does_not_serve(
    answer: tuple[str, int], cache: Cache, bin_folder: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    kubectl = make_program(bin_folder / "kubectl", *answer)

    assert Installed(cache, environment).verdict(KUBECTL).reason == f"{kubectl} does not tell its version"


def test_a_program_is_asked_once_until_it_changes(
    cache: Cache, bin_folder: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    kubectl = make_program(bin_folder / "kubectl", "v1.37.2")
    Installed(cache, environment).verdict(KUBECTL)
    Installed(cache, environment).verdict(KUBECTL)
    assert asked(kubectl) == 1

    make_program(kubectl, "v1.40.0, another one")

    assert Installed(cache, environment).verdict(KUBECTL).path is None
    assert asked(kubectl) == 2


def test_a_pulumi_without_its_language_host_does_not_serve(
    cache: Cache, bin_folder: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    pulumi = make_program(bin_folder / "pulumi", "v3.259.0")
    assert Installed(cache, environment).verdict(PULUMI).reason == f"{pulumi} has no pulumi-language-python beside it"

    make_program(bin_folder / "pulumi-language-python", "")

    assert Installed(cache, environment).verdict(PULUMI).path == pulumi


def test_what_was_built_here_is_not_taken_for_installed(
    cache: Cache, environment: dict[str, str], make_program: MakeProgram
) -> None:
    built = make_program(cache.folder / "kubectl-0123" / "bin" / "kubectl", "v1.37.2")
    environment["PATH"] = f"{built.parent}:{environment['PATH']}"

    assert Installed(cache, environment).verdict(KUBECTL).path != built


def test_a_provider_among_the_plugins_serves(
    cache: Cache, tmp_path: Path, environment: dict[str, str], make_program: MakeProgram
) -> None:
    folder = tmp_path / "pulumi" / "plugins" / "resource-kubernetes-v4.25.0"
    provider = make_program(folder / "pulumi-resource-kubernetes", "")

    assert Installed(cache, environment).verdict(PROVIDER).path == provider


def test_a_program_without_suitable_versions_is_always_built(cache: Cache, environment: dict[str, str]) -> None:
    assert Installed(cache, environment).verdict(Program(name="sh", package=".")).path is None
