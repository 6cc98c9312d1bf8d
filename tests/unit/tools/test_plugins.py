from collections.abc import Callable
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.catalogue import Program, Tool
from tools.errors import ToolsError
from tools.installed import Installed
from tools.plugins import link_plugins
from tools.versions import VersionRange

PROVIDER = Program(
    name="pulumi-resource-x", package=".", suitable=VersionRange.parsed("==1.2.3"), plugin="resource-x-v1.2.3"
)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(name="x", serves=frozenset({"pulumi"}), folder=tmp_path / "go" / "x", disk_gib=1, programs=(PROVIDER,))


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
