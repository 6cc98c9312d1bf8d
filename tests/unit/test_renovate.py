"""Whether Renovate, by `renovate.json`, sees all that this repository pins."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG: dict[str, Any] = json.loads((REPOSITORY / "renovate.json").read_text())
PINS = {
    "a package": r"^[ \"']*[A-Za-z][\w.-]*(\[[\w,]+\])?==\d",
    "a Go module": r"^\s*(require |replace )?[\w.-]+\.\w+/\S+ (=> \S+ )?v\d",
    "an action": r"\buses: \S+@",
    "an image": r"^(FROM|ARG \w+=|\s*image:) *\S+/\S+:\S|^\s*image: [\w-]+:\S",
    "a Maven archive": r"maven\S+\.jar",
    "a plugin": r"-v\d+\.\d+\.\d+\"",
}
NOT_PINNED_HERE = ("tests/", "docs/", "README.md", "CHANGELOG.md", "images/README.md")


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    return [name for name in listed if (REPOSITORY / name).is_file() and not name.startswith(NOT_PINNED_HERE)]


def pinned_files() -> dict[str, list[str]]:
    """The files that pin something, each with what."""
    found = {}
    for name in tracked():
        if not name.endswith((".py", ".png", ".txt", ".sum")):
            text = (REPOSITORY / name).read_text(encoding="utf-8")
            found[name] = [what for what, pattern in PINS.items() if re.search(pattern, text, re.MULTILINE)]
    return {name: kinds for name, kinds in found.items() if kinds}


def managers() -> dict[str, list[str]]:
    """Each manager's patterns; a custom one goes by its place."""
    named = {name: CONFIG[name]["managerFilePatterns"] for name in CONFIG["enabledManagers"] if name in CONFIG}
    return named | {str(place): each["managerFilePatterns"] for place, each in enumerate(CONFIG["customManagers"])}


def managers_of(file: str) -> set[str]:
    return {name for name, patterns in managers().items() if any(matches(each, file) for each in patterns)}


def matches(pattern: str, file: str) -> bool:
    assert pattern[0] == pattern[-1] == "/", "a pattern is written as a regular expression"
    return re.search(pattern[1:-1], file) is not None


def in_python(pattern: str) -> str:
    return pattern.replace("(?<", "(?P<")


def found_by(depname: str) -> list[tuple[str, str, str]]:
    """What the custom managers for a package find: file, name, version."""
    found = []
    for custom in CONFIG["customManagers"]:
        for file in [name for name in tracked() if any(matches(each, name) for each in custom["managerFilePatterns"])]:
            for pattern in custom["matchStrings"]:
                for match in re.finditer(in_python(pattern), (REPOSITORY / file).read_text()):
                    name = custom.get("depNameTemplate") or match["depName"]
                    found.append((file, name, match["currentValue"]))
    return [each for each in found if re.fullmatch(depname, each[1])]


def versioning(of: dict[str, Any], key: str) -> str:
    kind, _, pattern = of[key].partition(":")
    assert kind == "regex"
    return in_python(pattern)


def rule(**sought: Any) -> dict[str, Any]:
    """The one rule that has these keys."""
    (found,) = [each for each in CONFIG["packageRules"] if sought.items() <= each.items()]
    return dict(found)


def test_the_configuration_is_renovate_s() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json"]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, cwd=REPOSITORY)
    assert answer.returncode == 0, answer.stdout


def test_every_file_that_pins_something_is_some_manager_s() -> None:
    found = pinned_files()
    assert len(found) > 30
    assert {file: kinds for file, kinds in found.items() if not managers_of(file)} == {}


@pytest.mark.parametrize("manager", managers())
def test_every_manager_has_something_to_look_at(manager: str) -> None:
    assert any(manager in managers_of(file) for file in tracked())


def test_every_manager_that_is_enabled_has_its_files_and_no_other() -> None:
    assert set(managers()) - {str(place) for place in range(len(CONFIG["customManagers"]))} == set(
        CONFIG["enabledManagers"]
    ) - {"custom.regex"}


def test_the_provider_is_found_everywhere_at_the_python_package_s_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (version,) = [pin.partition("==")[2] for pin in project["dependencies"] if pin.startswith("pulumi-kubernetes==")]

    found = found_by("pulumi-kubernetes")

    assert found
    assert {(file, found_version) for file, _, found_version in found} == {("tools/programs.toml", version)}
    assert len(found) == (REPOSITORY / "tools/programs.toml").read_text().count(version)


def test_every_tensorrt_and_what_it_is_linked_to_is_found() -> None:
    text = (REPOSITORY / "tools/tensorrt.toml").read_text()
    releases = tomllib.loads(text)["release"]
    custom = CONFIG["customManagers"][1]

    archives = [version for _, _, version in found_by("org.bytedeco:tensorrt")]

    assert [version.partition("-")[0] for version in archives] == [name.rpartition(".")[0] for name in releases]
    assert all(re.fullmatch(versioning(custom, "versioningTemplate"), version) for version in archives)
    packages = [name for file, name, _ in found_by("nvidia-.*") if file == "tools/tensorrt.toml"]
    assert len(packages) == len(re.findall(r"^[\w-]+==", text, re.MULTILINE))


def test_every_foreign_serving_image_is_found() -> None:
    custom = CONFIG["customManagers"][3]
    stacks = [name for name in tracked() if re.fullmatch(r"Pulumi\.[\w-]+\.yaml", name)]
    written = {
        (name, image)
        for name in stacks
        for image in re.findall(r"^\s*image: (\S+/\S+:\S+)$", (REPOSITORY / name).read_text(), re.MULTILINE)
    }

    found = [each for each in found_by(r"nvcr\.io/.*") if each[0] in stacks]

    assert {(file, f"{name}:{version}") for file, name, version in found} == written
    assert all(re.fullmatch(versioning(custom, "versioningTemplate"), version) for _, _, version in found)


def test_a_debian_of_a_later_day_is_a_later_version() -> None:
    pattern = versioning(rule(groupName="Debian"), "versioning")
    text = (REPOSITORY / "images" / "triton-cpu" / "Containerfile").read_text()
    (tag,) = re.findall(r"^ARG BASE=docker\.io/library/debian:(\S+)$", text, re.MULTILINE)

    match = re.fullmatch(pattern, tag)

    assert match is not None
    assert int(match["major"]) > 20_260_000
    assert re.fullmatch(pattern, "bookworm-slim") is None


def test_what_stands_for_a_tool_s_version_is_a_direct_requirement_or_a_go_tool() -> None:
    """Renovate passes over indirect requirements, but for those of a `tool` line."""
    tools = tomllib.loads((REPOSITORY / "tools" / "programs.toml").read_text())["tool"]
    passed_over = []
    for tool in tools.values():
        module = tool.get("version_of")
        if module is None:
            continue
        text = (REPOSITORY / "tools" / "go" / tool["folder"] / "go.mod").read_text()
        direct = re.search(rf"^(require )?\s*{re.escape(module)} v\S+$", text, re.MULTILINE)
        named = re.search(rf"^(tool )?\s*{re.escape(module)}(/\S*)?$", text, re.MULTILINE)
        if not direct and not named:
            passed_over.append(module)
    assert passed_over == []


@pytest.mark.parametrize(
    ("group", "packages"),
    [
        ("Pulumi", {"pulumi", "github.com/pulumi/pulumi/pkg/v3"}),
        (
            "Pulumi's Kubernetes provider",
            {"pulumi-kubernetes", "github.com/pulumi/pulumi-kubernetes/provider/v4"},
        ),
        ("Kubernetes", {"k8s.io/kubernetes", "k8s.io/client-go", "k8s.io/api"}),
    ],
)
def test_what_is_of_one_release_moves_together(group: str, packages: set[str]) -> None:
    prefixes = [name.removesuffix("**") for name in rule(groupName=group)["matchPackageNames"]]
    assert all(any(package == each or (each.endswith("/") and package.startswith(each)) for each in prefixes)
               for package in packages)  # fmt: skip
