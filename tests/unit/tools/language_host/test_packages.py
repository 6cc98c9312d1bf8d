import json
from pathlib import Path

import pytest

from tools.language_host.errors import LanguageHostError
from tools.language_host.packages import Plugin, installed_packages, plugin_version, required_plugins


def install(site: Path, name: str, version: str, *, requires: str = "", plugin: str | None = None) -> None:
    """Lay a package into a site folder as an installer does."""
    information = site / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    requirement = f"Requires-Dist: {requires}\n" if requires else ""
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirement}")
    if plugin is not None:
        package = site / name.replace("-", "_")
        package.mkdir()
        (package / "pulumi-plugin.json").write_text(plugin)


def test_a_plugin_file_says_what_a_package_needs(tmp_path: Path) -> None:
    said = {"resource": True, "name": "kubernetes", "version": "4.25.0", "server": "https://example.com"}
    install(tmp_path, "pulumi-kubernetes", "4.25.0.post1", plugin=json.dumps(said))

    assert required_plugins([str(tmp_path)]) == [
        Plugin(name="kubernetes", version="v4.25.0", server="https://example.com")
    ]


def test_name_and_version_follow_from_the_package_where_the_file_is_silent(tmp_path: Path) -> None:
    install(tmp_path, "pulumi-aws", "6.1.0")
    install(tmp_path, "acme-cloud", "1.0.0a3", plugin='{"resource": true}')

    assert required_plugins([str(tmp_path)]) == [
        Plugin(name="acme-cloud", version="v1.0.0-alpha.3"),
        Plugin(name="aws", version="v6.1.0"),
    ]


def test_packages_without_a_plugin_need_none(tmp_path: Path) -> None:
    install(tmp_path, "pulumi", "3.259.0")
    install(tmp_path, "pulumi-policy", "1.20.0")
    install(tmp_path, "pulumi-sums", "1.0.0", plugin='{"resource": false}')
    install(tmp_path, "numpy", "2.0.0")

    assert required_plugins([str(tmp_path)]) == []


def test_a_plugin_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    install(tmp_path, "pulumi-aws", "6.1.0", plugin="{")

    with pytest.raises(LanguageHostError, match=r"pulumi-plugin.json cannot be read"):
        required_plugins([str(tmp_path)])


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("4.25.0", "4.25.0"),
        ("4.25", "4.25.0"),
        ("1.2.3b4", "1.2.3-beta.4"),
        ("1.2.3rc1", "1.2.3-rc.1"),
        ("1.2.3.dev7", "1.2.3-dev.7"),
        ("1.2.3+local", "1.2.3+local"),
        ("1!2.3", None),
    ],
)
def test_a_python_release_is_written_as_a_semantic_version(release: str, version: str | None) -> None:
    assert plugin_version(release) == version


def test_packages_that_another_requires_are_transitive(tmp_path: Path) -> None:
    install(tmp_path, "Outer_Thing", "1.0", requires="inner.thing>=2; python_version > '3'")
    install(tmp_path, "inner-thing", "2.0", requires='other; extra == "all"')
    install(tmp_path, "other", "3.0")

    assert installed_packages([str(tmp_path)], transitive=False) == [("other", "3.0"), ("outer-thing", "1.0")]
    assert ("inner-thing", "2.0") in installed_packages([str(tmp_path)], transitive=True)
