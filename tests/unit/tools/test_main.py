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

    pulumi, _provider = chosen(catalogue(), "pulumi")
    assert path == f"{cache.product(pulumi)}/bin:{FOLDER}/bin"


def test_the_definitions_have_a_place_before_they_are_built(environment: dict[str, str], tmp_path: Path) -> None:
    share = Path(tools("share", environment=environment).stdout.strip())

    assert share.name == "share"
    assert share.is_relative_to(tmp_path / "cache" / "densenet-triton" / "tools")


def test_what_is_missing_is_listed_with_the_reason(environment: dict[str, str]) -> None:
    lines = tools("list", "--only", "pulumi", environment=environment).stdout.splitlines()

    assert [line.split(maxsplit=1) for line in lines] == [
        ["pulumi", "to be built  not on PATH"],
        ["pulumi-resource-kubernetes", "to be built  not on PATH"],
    ]


def test_go_is_asked_for_where_something_must_be_built(environment: dict[str, str]) -> None:
    answer = tools("build", "--only", "pulumi", environment=environment)

    assert answer.returncode == 1
    assert answer.stderr == "error: go is not on PATH; install Go from https://go.dev/dl/ and run the command again\n"


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
