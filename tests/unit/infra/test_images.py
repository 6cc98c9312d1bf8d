import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.images import (
    REPOSITORY,
    base_image,
    content_tag,
    debian_base,
    is_own,
    reference,
    sources,
    takes_serving,
)

IMAGES = ("triton-cpu", "model-build")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("contract", "images", "model_build"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    return tmp_path


def tags(checkout: Path) -> dict[str, str]:
    return {image: content_tag(image, repository=checkout) for image in IMAGES}


def test_the_same_content_has_the_same_tag_wherever_and_whenever_it_was_written(checkout: Path) -> None:
    for path in checkout.rglob("*"):
        os.utime(path, (0, 0))
    assert tags(checkout) == tags(REPOSITORY)


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("images/triton-cpu/Containerfile", {"triton-cpu", "model-build"}),
        ("images/triton-cpu/requirements.lock", {"triton-cpu", "model-build"}),
        ("images/triton-cpu/tritonserver.lock", {"triton-cpu", "model-build"}),
        ("images/model-build/Containerfile", {"model-build"}),
        ("images/model-build/requirements.lock", {"model-build"}),
        ("model_build/__main__.py", {"model-build"}),
        ("model_build/mug.png", set()),
        ("model_build/new.py", {"model-build"}),
        ("model_build/__pycache__/new.cpython-311.pyc", set()),
        ("model_build/.cache/state.json", set()),
        ("model_build/notes.txt~", set()),
        ("images/model-build/requirements.in", set()),
        ("README.md", set()),
    ],
)
def test_a_tag_changes_with_what_is_in_its_image(checkout: Path, file: str, changed: set[str]) -> None:
    before = tags(checkout)
    path = checkout / file
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as stream:
        stream.write(b"\n")
    after = tags(checkout)
    assert {image for image in IMAGES if after[image] != before[image]} == changed


def test_a_later_debian_changes_every_tag_that_stands_on_it(checkout: Path) -> None:
    before = tags(checkout)
    containerfile = checkout / "images" / "triton-cpu" / "Containerfile"
    text, count = re.subn(r"(?m)^(ARG BASE=.*:bookworm)-\d{8}-slim$", r"\1-20310201-slim", containerfile.read_text())
    containerfile.write_text(text)
    assert count == 1
    assert debian_base("triton-cpu", repository=checkout) == "debian:bookworm-20310201-slim"
    assert all(tag != before[image] for image, tag in tags(checkout).items())


def test_a_renamed_file_changes_the_tag(checkout: Path) -> None:
    before = tags(checkout)
    (checkout / "model_build" / "scoring.py").rename(checkout / "model_build" / "renamed.py")
    assert tags(checkout)["model-build"] != before["model-build"]


def test_a_folder_of_images_becomes_a_reference_with_its_tag() -> None:
    assert (
        reference("triton-cpu", "registry.example/team")
        == f"registry.example/team/triton-cpu:{content_tag('triton-cpu')}"
    )


@pytest.mark.parametrize(
    "image", ["debian:12", "registry.example/triton-cpu", "model-build/../triton-cpu", "..", "unknown", ""]
)
def test_any_other_image_is_left_as_it_is(image: str) -> None:
    assert not is_own(image)
    assert reference(image, "localhost") == image


def test_model_build_stands_on_triton_cpu_and_triton_cpu_on_debian() -> None:
    assert base_image("model-build") == "triton-cpu"
    assert base_image("triton-cpu") is None


def test_every_folder_of_images_is_an_image() -> None:
    folders = {path.name for path in (REPOSITORY / "images").iterdir() if path.is_dir()}
    assert folders == {*IMAGES, "model-build-tensorrt"}


def test_an_image_on_the_serving_image_is_another_for_each() -> None:
    tags = {content_tag("model-build-tensorrt", serving=image) for image in ("triton:1", "triton:2")}
    assert len(tags) == 2
    assert takes_serving("model-build-tensorrt")
    assert not takes_serving("model-build")
    assert content_tag("model-build", serving="triton:1") == content_tag("model-build")


def test_the_locks_of_the_bindings_are_in_the_image() -> None:
    locks = {path.name for path in sources("model-build-tensorrt") if path.parent.name == "bindings"}
    assert {"8.6.1.lock", "10.6.0.lock"} <= locks


@pytest.mark.parametrize(
    "copies",
    ["COPY contract /opt/contract\nCOPY model_build /opt/model_build", "COPY contract model_build /opt/"],
    ids=["two lines", "one line"],
)
def test_all_that_is_copied_counts(tmp_path: Path, copies: str) -> None:
    for name in ("images/model-build/Containerfile", "contract/a.py", "model_build/b.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "images/model-build/Containerfile").write_text(f"FROM debian\n{copies}\n")
    found = {path.relative_to(tmp_path).as_posix() for path in sources("model-build", repository=tmp_path)}
    assert found == {"images/model-build/Containerfile", "contract/a.py", "model_build/b.py"}


def test_the_image_has_every_tracked_file_of_the_package() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "model_build"], cwd=REPOSITORY, check=False, capture_output=True, text=True
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout")
    assert {REPOSITORY / name for name in tracked} <= set(sources("model-build"))
