import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.catalogue import FOLDER, catalogue, chosen


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user with an empty cache and an empty Pulumi home, and nothing of interest on PATH."""
    return {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PULUMI_HOME": str(tmp_path / "pulumi"),
    }


def tools(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # -S: no site folder, so that only the standard library can be imported
    command = [sys.executable, "-S", "-m", "tools", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=FOLDER.parent, env=environment, timeout=60
    )


def test_an_empty_cache_gives_only_the_clone_s_own_folder(environment: dict[str, str]) -> None:
    assert tools("path", environment=environment).stdout == f"{FOLDER}/bin\n"


def test_built_tools_stand_first_and_plugins_do_not(environment: dict[str, str], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache" / "densenet-triton" / "tools")
    for tool in catalogue():
        (cache.product(tool) / "bin").mkdir(parents=True)

    path = tools("path", "--only", "pulumi", environment=environment).stdout.strip()

    kubectl, pulumi, _provider = chosen(catalogue(), "pulumi")
    assert path == f"{cache.product(kubectl)}/bin:{cache.product(pulumi)}/bin:{FOLDER}/bin"


def test_several_may_be_chosen(environment: dict[str, str], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache" / "densenet-triton" / "tools")
    for tool in catalogue():
        (cache.product(tool) / "bin").mkdir(parents=True)

    path = tools("path", "--only", "pulumi", "simulation", environment=environment).stdout

    found = {Path(folder).parent.name.rpartition("-")[0] for folder in path.strip().split(":")[:-1]}
    assert found == {"pulumi", "kubectl", "karpenter", "kwok"}


def test_the_definitions_have_a_place_before_they_are_built(environment: dict[str, str], tmp_path: Path) -> None:
    share = Path(tools("share", environment=environment).stdout.strip())

    assert share.name == "share"
    assert share.parent.name.startswith("gateway-definitions-")
    assert share.is_relative_to(tmp_path / "cache" / "densenet-triton" / "tools")


def test_the_environment_is_one_object(environment: dict[str, str]) -> None:
    answer = tools("environment", environment=environment)

    share = tools("share", environment=environment).stdout.strip()
    assert json.loads(answer.stdout) == {"PATH": f"{FOLDER}/bin", "DENSENET_TOOLS_SHARE": share}


def test_what_is_ready_is_found_by_the_environment_alone(environment: dict[str, str], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache" / "densenet-triton" / "tools")
    for tool in chosen(catalogue(), "pulumi"):
        (cache.product(tool) / "bin").mkdir(parents=True)

    answer = tools("ready", "--only", "pulumi", environment=environment)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == tools("environment", environment=environment).stdout
    assert list((tmp_path / "pulumi" / "plugins").iterdir())


def test_what_must_succeed_first_is_run_before_anything_is_built_and_ends_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment["PATH"] = "/usr/bin:/bin"
    first = "sh -c 'echo not here >&2; exit 7'"

    answer = tools("ready", "--only", "pulumi", "--first", first, environment=environment)

    assert (answer.returncode, answer.stdout, answer.stderr) == (7, "", "not here\n")
    assert not (tmp_path / "cache" / "densenet-triton" / "tools" / ".go").exists()


def test_where_nothing_is_lacking_nothing_is_run_first(environment: dict[str, str], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache" / "densenet-triton" / "tools")
    for tool in chosen(catalogue(), "pulumi"):
        (cache.product(tool) / "bin").mkdir(parents=True)

    answer = tools("ready", "--only", "pulumi", "--first", "/bin/false", environment=environment)

    assert answer.returncode == 0


def test_what_is_missing_is_listed_with_the_reason(environment: dict[str, str]) -> None:
    lines = tools("list", "--only", "pulumi", environment=environment).stdout.splitlines()

    assert [line.split(maxsplit=1) for line in lines] == [
        ["kubectl", "to be fetched not on PATH"],
        ["pulumi", "to be built   not on PATH"],
        ["pulumi-resource-kubernetes", "to be built   not on PATH"],
    ]


def test_from_source_nothing_is_fetched(environment: dict[str, str]) -> None:
    environment["TOOLS"] = "source"

    assert "to be fetched" not in tools("list", environment=environment).stdout


def test_another_word_for_tools_is_refused(environment: dict[str, str]) -> None:
    environment["TOOLS"] = "nonsense"

    answer = tools("list", environment=environment)

    assert answer.returncode == 1
    assert answer.stderr.startswith("error: TOOLS is 'nonsense'; accepted: 'source'")
    assert answer.stderr.count("\n") == 1


def test_go_is_asked_for_where_something_must_be_built_from_source(environment: dict[str, str]) -> None:
    environment["TOOLS"] = "source"

    answer = tools("build", "--only", "pulumi", environment=environment)

    assert answer.returncode == 1
    assert answer.stderr == "error: go is not on PATH; install Go from https://go.dev/dl/ and run the command again\n"


@pytest.mark.parametrize(("only", "needed"), [([], "1.26.6"), (["--only", "pulumi"], "1.26.0")])
def test_a_go_that_is_too_old_is_told_the_release_that_all_of_the_build_needs(
    only: list[str], needed: str, environment: dict[str, str], tmp_path: Path
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\ncase "$2" in GOVERSION) echo go1.25.9;; GOTOOLCHAIN) echo local;; esac\n')
    go.chmod(0o755)
    environment["TOOLS"] = "source"

    answer = tools("build", *only, environment=environment)

    assert answer.returncode == 1
    assert answer.stderr == (
        f"error: {go} is Go 1.25.9, but {needed} or newer is needed; "
        "install it from https://go.dev/dl/, or let Go fetch it: export GOTOOLCHAIN=auto\n"
    )


def test_a_python_that_is_too_old_is_one_line() -> None:
    code = "import sys; sys.version_info = (3, 10, 12, 'final', 0); import tools.__main__"

    answer = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=FOLDER.parent
    )

    assert answer.returncode == 1
    assert answer.stderr == (
        "error: python3 is 3.10.12; accepted: 3.11 and newer; install one and name it: make PYTHON=python3.12 up\n"
    )


def test_uv_on_path_is_the_one_that_is_printed(environment: dict[str, str], tmp_path: Path) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.touch(0o755)

    answer = tools("uv", environment=environment)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"{uv}\n", "")


def test_uv_in_the_cache_is_printed_where_path_has_none(environment: dict[str, str], tmp_path: Path) -> None:
    key = hashlib.sha256((FOLDER / "uv.lock").read_bytes()).hexdigest()[:16]
    uv = tmp_path / "cache" / "densenet-triton" / "tools" / f"uv-{key}" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.touch(0o755)

    answer = tools("uv", environment=environment)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"{uv}\n", "")


def test_an_installed_tensorrt_is_printed_with_the_environment_that_finds_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "cache" / "densenet-triton" / "tools" / "tensorrt" / "10.6.0"
    python = folder / f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (folder / "lib", python):
        path.mkdir(parents=True)

    answer = tools("tensorrt", "10.6.0", environment=environment)

    exported = f"export LD_LIBRARY_PATH={folder}/lib PYTHONPATH={python}\n"
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, exported, "")


def test_a_tensorrt_that_is_not_listed_is_refused_with_those_that_are(environment: dict[str, str]) -> None:
    answer = tools("tensorrt", "10.6.1", environment=environment)

    assert answer.returncode == 2
    assert "invalid choice: '10.6.1' (choose from '10.6.0', '8.6.1')" in answer.stderr


def test_the_launcher_starts_the_clone_s_language_host() -> None:
    answer = subprocess.run(
        [FOLDER / "bin" / "densenet-triton-language-host", "--help"],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env=dict(os.environ),
    )

    assert (answer.returncode, answer.stderr) == (0, "")
    assert "language_host" in answer.stdout


def test_the_launcher_beside_pulumi_says_what_is_missing(environment: dict[str, str]) -> None:
    launcher = FOLDER / "go" / "pulumi" / "pulumi-language-python"

    answer = subprocess.run(
        ["/bin/sh", launcher, "127.0.0.1:9"], check=False, capture_output=True, text=True, env=environment
    )

    assert answer.returncode == 1
    assert answer.stderr == (
        'densenet-triton-language-host is not on PATH; in the clone, set the environment first: eval "$(make env)"\n'
    )
