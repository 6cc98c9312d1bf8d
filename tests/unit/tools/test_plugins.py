from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.catalogue import Program, Tool
from tools.errors import ToolsError
from tools.installed import Installed
from tools.plugins import install_plugins, link_plugins
from tools.versions import VersionRange

PROVIDER = Program(
    name="pulumi-resource-x",
    package=".",
    suitable={"pulumi": VersionRange.parsed("==1.2.3")},
    plugin="resource-x-v1.2.3",
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(
        name="x",
        serves=frozenset({"pulumi"}),
        folder=tmp_path / "go" / "x",
        build_s=1,
        disk_gib=1,
        programs=(PROVIDER,),
    )


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "pulumi" / "plugins" / "resource-x-v1.2.3" / "pulumi-resource-x"


def test_a_built_provider_is_found_by_pulumi_and_still_known_as_built(
    cache: Cache, tool: Tool, tmp_path: Path, link: Path, make_program: Callable[..., Path]
) -> None:
    environment = {"PULUMI_HOME": str(tmp_path / "pulumi"), "PATH": "/usr/bin"}
    built = make_program(cache.product(tool) / "bin" / "pulumi-resource-x", "")

    link_plugins([tool], cache, environment)

    assert link.resolve() == built
    assert not Installed(cache, environment).serves(tool)


def test_a_link_to_an_older_build_is_replaced(cache: Cache, tool: Tool, tmp_path: Path, link: Path) -> None:
    link.parent.mkdir(parents=True)
    link.symlink_to(cache.folder / "x-old" / "bin" / "pulumi-resource-x")

    link_plugins([tool], cache, {"PULUMI_HOME": str(tmp_path / "pulumi")})

    assert link.readlink() == cache.product(tool) / "bin" / "pulumi-resource-x"
    assert list(link.parent.iterdir()) == [link]


def test_a_folder_that_cannot_be_made_is_one_line(cache: Cache, tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "pulumi").touch()

    with pytest.raises(ToolsError, match=r"cannot be made: Not a directory; .*PULUMI_HOME"):
        link_plugins([tool], cache, {"PULUMI_HOME": str(tmp_path / "pulumi")})


_BRINGS = """#!/bin/sh
[ "$*" = "plugin install resource x v1.2.3" ] || exit 1
mkdir -p $PULUMI_HOME/plugins/resource-x-v1.2.3
cd $PULUMI_HOME/plugins/resource-x-v1.2.3
echo '#!/bin/sh' >pulumi-resource-x
chmod +x pulumi-resource-x
"""


def installed_pulumi(tmp_path: Path, script: str) -> Path:
    pulumi = tmp_path / "bin" / "pulumi"
    pulumi.parent.mkdir()
    pulumi.write_text(script)
    pulumi.chmod(0o755)
    return pulumi


def test_an_installed_pulumi_brings_its_provider(cache: Cache, tool: Tool, tmp_path: Path) -> None:
    environment = {"PULUMI_HOME": str(tmp_path / "pulumi"), "PATH": "/usr/bin:/bin"}

    assert install_plugins([tool], installed_pulumi(tmp_path, _BRINGS), environment) == []

    assert Installed(cache, environment).serves(tool)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("#!/bin/sh\necho 'error: no route to host' >&2; exit 255\n", "error: no route to host; pulumi-resource-x is"),
        ("#!/bin/sh\nexec sleep 1000\n", "did not end within 0 s; pulumi-resource-x is built instead"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_provider_that_is_not_to_be_had_is_still_lacking(
    script: str, reason: str, tool: Tool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"PULUMI_HOME": str(tmp_path / "pulumi"), "PATH": "/usr/bin:/bin"}

    assert install_plugins([tool], installed_pulumi(tmp_path, script), environment) == [tool]

    assert reason in capsys.readouterr().err


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.plugins._DEADLINE_S", 0.2)


def test_what_is_no_plugin_is_not_asked_for(tool: Tool, tmp_path: Path) -> None:
    other = replace(tool, programs=(replace(PROVIDER, plugin=None),))

    assert install_plugins([other], tmp_path / "no-pulumi", {"PATH": "/usr/bin"}) == [other]
