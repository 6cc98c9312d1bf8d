import fcntl
import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.errors import ImageError, ProgramMissingError
from deploy.images.archives import Pushed, build_images, push_images
from deploy.images.builder import ImageBuilder
from infra.images import REPOSITORY, debian_base, reference, sources

ON_SERVING = "model-build-tensorrt"
DIGEST = f"sha256:{'d' * 64}"
SERVING = "nvcr.io/nvidia/tritonserver:26.07-py3"

# Stands for every program of a build: it records how it was called and writes the archive that it was asked for.
PROGRAM = """#!{python} -IS
import json, pathlib, subprocess, sys
name = pathlib.Path(sys.argv[0]).name
command = [name, *sys.argv[1:]]
with open("{calls}", "a") as calls:
    print(json.dumps(command), file=calls)
for argument in command:
    if argument.startswith("--digestfile="):
        pathlib.Path(argument.partition("=")[2]).write_text("{digest}")
    if argument.startswith("oci-archive:") and "push" in command:
        pathlib.Path(argument.split(":")[1]).write_text("archive")
if command[1:2] == ["unshare"]:
    sys.exit(subprocess.run(command[2:]).returncode)
if name == "mmdebstrap":
    pathlib.Path(command[-1]).write_text("debian")
if "bud" in command and command[-1].endswith("/repository"):
    context = pathlib.Path(command[-1])
    files = sorted(str(path.relative_to(context)) for path in context.rglob("*") if path.is_file())
    pathlib.Path("{calls}.context").write_text(json.dumps(files))
failure = pathlib.Path("{calls}.failure")
if failure.exists() and ("bud" in command or "docker://" in command[-1]):
    sys.exit(failure.read_text())
"""
UNSHARE = '#!/bin/sh\nshift\nexec "$@"\n'


class Machine:
    """A machine whose programs only pretend, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache" / "densenet-triton" / "images"
        self.programs = folder / "bin"
        self._calls = folder / "calls"
        self.programs.mkdir()
        for name in ("buildah", "skopeo", "mmdebstrap", "python"):
            self._install(name, PROGRAM.format(python=sys.executable, calls=self._calls, digest=DIGEST))
        self._install("unshare", UNSHARE)

    def calls(self, program: str, verb: str = "") -> list[list[str]]:
        lines = self._calls.read_text().splitlines() if self._calls.exists() else []
        commands: list[list[str]] = [json.loads(line) for line in lines]
        return [command for command in commands if command[0] == program and (not verb or verb in command)]

    def built(self) -> list[str]:
        """The references that buildah was asked to build, in order."""
        tags = [word for call in self.calls("buildah", "bud") for word in call if word.startswith("--tag=")]
        return [tag.removeprefix("--tag=") for tag in tags]

    def context(self) -> Sequence[str]:
        found: Sequence[str] = json.loads(self._calls.with_suffix(".context").read_text())
        return found

    def fail(self, reason: str) -> None:
        self._calls.with_suffix(".failure").write_text(reason)

    def mend(self) -> None:
        self._calls.with_suffix(".failure").unlink()

    def _install(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)


def archive_of(image: str) -> Path:
    """One image's archive."""
    return build_images((image,))[image]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{made.programs}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(made.programs / "python"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1024**4))
    return made


def archive_name(image: str) -> str:
    tag = reference(image, "localhost").rpartition(":")[2]
    return f"{image}-{tag}.tar"


def test_an_image_is_built_once_and_archived_under_its_tag(machine: Machine) -> None:
    archive = archive_of("triton-cpu")
    assert archive == machine.cache / archive_name("triton-cpu")
    assert archive.read_text() == "archive"
    calls = len(machine.calls("buildah"))
    assert archive_of("triton-cpu") == archive
    assert len(machine.calls("buildah")) == calls


def test_a_build_leaves_nothing_but_archives_and_the_debian_base(machine: Machine) -> None:
    build_images(("triton-cpu", "model-build"))
    left = {path.name.partition("-")[0] for path in machine.cache.iterdir()}
    assert left == {".lock", "debian", "triton", "model"}


def test_model_build_is_built_on_triton_cpu_which_is_built_first(machine: Machine) -> None:
    archives: Mapping[str, Path] = build_images(("model-build",))
    assert list(archives) == ["model-build"]
    serving, building = (reference(image, "localhost") for image in ("triton-cpu", "model-build"))
    assert machine.built() == [f"localhost/{debian_base('triton-cpu')}", serving, building]
    assert f"--build-arg=SERVING={serving}" in machine.calls("buildah", "bud")[-1]
    assert not machine.calls("buildah", "pull")


def test_an_archived_base_is_loaded_not_built_again(machine: Machine) -> None:
    base = archive_of("triton-cpu")
    archive_of("model-build")
    assert machine.calls("buildah", "pull")[-1][-1] == f"oci-archive:{base}"
    assert machine.built().count(reference("triton-cpu", "localhost")) == 1


def test_the_debian_base_is_made_once(machine: Machine) -> None:
    archive_of("triton-cpu").unlink()
    archive_of("triton-cpu")
    assert len(machine.calls("mmdebstrap")) == 1


def test_a_later_debian_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    """Each date is a base of its own, by which the image is built that names it."""
    shutil.copytree(REPOSITORY / "images", tmp_path / "checkout" / "images")
    containerfile = tmp_path / "checkout" / "images" / "triton-cpu" / "Containerfile"
    machine.cache.mkdir(parents=True)
    for date in ("20310101", "20310101", "20310201"):
        containerfile.write_text(
            re.sub(r"debian:bookworm-\d{8}-slim", f"debian:bookworm-{date}-slim", containerfile.read_text())
        )
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        ImageBuilder(
            repository=tmp_path / "checkout",
            scratch=scratch,
            cache=machine.cache,
            serving="",
            lock=os.open("/", os.O_RDONLY),
        ).build("triton-cpu")
        assert f"--build-arg=BASE=localhost/debian:bookworm-{date}-slim" in machine.calls("buildah", "bud")[-1]
        shutil.rmtree(scratch)

    assert [call[-2] for call in machine.calls("mmdebstrap")] == ["bookworm", "bookworm"]
    kept = sorted(path.name.rpartition("-")[0] for path in machine.cache.glob("debian-*.tar"))
    assert kept == ["debian-bookworm-20310101-slim", "debian-bookworm-20310201-slim"]


def test_a_base_that_can_not_be_made_is_named(machine: Machine, tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "images", tmp_path / "images")
    containerfile = tmp_path / "images" / "triton-cpu" / "Containerfile"
    containerfile.write_text(re.sub(r"debian:\S+", "debian:bookworm", containerfile.read_text()))
    machine.cache.mkdir(parents=True)
    builder = ImageBuilder(repository=tmp_path, scratch=tmp_path, cache=machine.cache, serving="", lock=0)

    with pytest.raises(
        ImageError, match=r"images/triton-cpu/Containerfile names no base .*; accepted: ARG BASE=docker"
    ):
        builder.build("triton-cpu")


@pytest.mark.parametrize("image", ["triton-cpu", "model-build"])
def test_a_build_sees_only_what_the_tag_stands_for(machine: Machine, image: str) -> None:
    archive_of("triton-cpu")
    archive_of(image)
    images = {"triton-cpu", image}
    expected = {str(file.relative_to(REPOSITORY)) for name in images for file in sources(name)}
    assert set(machine.context()) == expected


def test_every_lock_of_an_image_is_downloaded_by_hash(machine: Machine) -> None:
    archive_of("triton-cpu")
    downloads = machine.calls("python", "download")
    assert all("--require-hashes" in call for call in downloads)
    assert [Path(call[-1]).name for call in downloads] == ["requirements.lock", "tritonserver.lock"]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("STEP 1\nError: exit status 7", "Error: exit status 7"),
        ("E: Failed to fetch http://deb.example/x\nError: exit status 100", "the network failed (E: Failed to fetch"),
        ("write /var/x: no space left on device", "is full; free some, or set XDG_CACHE_HOME"),
    ],
)
def test_a_failed_build_says_why_in_one_line_and_leaves_no_archive(machine: Machine, output: str, reason: str) -> None:
    machine.fail(output)
    with pytest.raises(ImageError) as failure:
        archive_of("triton-cpu")
    assert reason in str(failure.value)
    assert "\n" not in str(failure.value)
    assert not list(machine.cache.glob("triton-cpu-*"))
    assert not (machine.cache / ".build").exists()
    machine.mend()
    assert archive_of("triton-cpu").exists()


def test_what_a_killed_build_has_left_is_removed_before_the_next(machine: Machine) -> None:
    leftover = machine.cache / ".build" / "repository" / "leftover"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    archive_of("triton-cpu")
    assert "leftover" not in machine.context()
    assert not leftover.exists()


@pytest.mark.parametrize(("image", "needed_gib"), [("triton-cpu", 2), (ON_SERVING, 45)])
def test_a_full_disk_is_refused_before_anything_runs(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, image: str, needed_gib: int
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=needed_gib * 1024**3 - 1))
    needed_mib = needed_gib * 1024
    with pytest.raises(ImageError, match=f"needs {needed_mib} MiB in .*, where {needed_mib - 1} MiB are free; free"):
        push_images((image,), "registry.example/team", serving=SERVING)
    assert not machine.calls("buildah")


@pytest.mark.parametrize("program", ["buildah", "mmdebstrap"])
def test_a_missing_program_is_named(machine: Machine, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    (machine.programs / program).unlink()
    monkeypatch.setenv("PATH", str(machine.programs))
    with pytest.raises(ProgramMissingError, match=f"{program} is not on PATH.*make tools"):
        archive_of("triton-cpu")


def test_the_debian_base_alone_needs_mmdebstrap(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_of("triton-cpu").unlink()
    (machine.programs / "mmdebstrap").unlink()
    monkeypatch.setenv("PATH", str(machine.programs))
    assert archive_of("triton-cpu").exists()
    push_images((ON_SERVING,), "registry.example/team", serving=SERVING)


@pytest.mark.parametrize(("mirror", "expected"), [("https://mirror.example/python", 1), ("", 0)])
def test_uv_s_mirror_of_pythons_is_handed_to_the_build(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, mirror: str, expected: int
) -> None:
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", mirror)
    push_images((ON_SERVING,), "registry.example/team", serving=SERVING)
    given = [word for word in machine.calls("buildah", "bud")[-1] if "UV_PYTHON_INSTALL_MIRROR" in word]
    assert given == [f"--build-arg=UV_PYTHON_INSTALL_MIRROR={mirror}"] * expected


def test_the_containerfile_takes_uv_s_mirror_before_uv_runs() -> None:
    lines = (REPOSITORY / "images" / ON_SERVING / "Containerfile").read_text().splitlines()
    uses = next(number for number, line in enumerate(lines) if "/tmp/uv/bin/uv" in line)  # noqa: S108 - in the image
    assert "ARG UV_PYTHON_INSTALL_MIRROR" in lines[:uses]


def test_an_unknown_image_is_refused(machine: Machine) -> None:
    with pytest.raises(ImageError, match="'nonsense' is no image of this project; accepted: the folders of images/"):
        archive_of("nonsense")
    assert not machine.calls("buildah")


def test_a_second_run_waits_for_the_first(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.cache.mkdir(parents=True)
    with (machine.cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(target=archive_of, args=("triton-cpu",))
        second.start()
        second.join(timeout=0.5)
        assert second.is_alive()
        assert not machine.calls("buildah")
    second.join(timeout=60)
    assert "waiting for another run" in capsys.readouterr().err
    assert machine.built()


def test_only_the_newest_archives_of_an_image_are_kept(machine: Machine) -> None:
    machine.cache.mkdir(parents=True)
    for number in range(5):
        (machine.cache / f"triton-cpu-{number}.tar").touch()
        (machine.cache / f"model-build-{number}.tar").touch()
        (machine.cache / f"debian-{number}.tar").touch()
    newest = archive_of("triton-cpu")
    kept = sorted(machine.cache.glob("triton-cpu-*.tar"))
    assert newest in kept
    assert len(kept) == 3
    assert len(list(machine.cache.glob("debian-*.tar"))) == 3
    assert len(list(machine.cache.glob("model-build-*.tar"))) == 5


def test_images_are_pushed_under_their_tags(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    pushed = push_images(("triton-cpu",), "registry.example/team")
    target = reference("triton-cpu", "registry.example/team")
    archive = machine.cache / archive_name("triton-cpu")
    (copy,) = machine.calls("skopeo", "copy")
    assert [word for word in copy if "digestfile" not in word] == [
        *("skopeo", "copy", "--quiet", f"oci-archive:{archive}", f"docker://{target}")
    ]
    assert pushed == {"triton-cpu": Pushed(reference=target, digest=DIGEST)}
    assert pushed["triton-cpu"].pin == f"{target}@{DIGEST}"
    assert "images: triton-cpu: pushed" in capsys.readouterr().err


def test_what_lies_under_its_tag_is_neither_built_nor_pushed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [reference(image, "registry.example/team") for image in ("triton-cpu", "model-build")]
    there = {names[0]: f"sha256:{'a' * 64}"}
    monkeypatch.setattr("deploy.images.archives.digest_in_registry", there.get)

    pushed = push_images(("triton-cpu", "model-build"), "registry.example/team")

    assert [each.pin for each in pushed.values()] == [f"{names[0]}@sha256:{'a' * 64}", f"{names[1]}@{DIGEST}"]
    assert [call[-1] for call in machine.calls("skopeo", "copy")] == [f"docker://{names[1]}"]
    assert "images: triton-cpu: is in the registry already" in capsys.readouterr().err

    monkeypatch.setattr("deploy.images.archives.digest_in_registry", lambda _: DIGEST)
    calls = len(machine.calls("buildah"))
    push_images(("triton-cpu", "model-build", ON_SERVING), "registry.example/team", serving=SERVING)
    assert len(machine.calls("buildah")) == calls


def test_an_archive_is_pushed_without_root_and_without_ids_to_hand_out(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_of("triton-cpu")
    built = machine.calls("buildah")
    monkeypatch.setattr(os, "geteuid", lambda: 20000)

    push_images(("triton-cpu",), "registry.example/team")

    assert machine.calls("buildah") == built
    assert len(machine.calls("skopeo", "copy")) == 1


@pytest.mark.parametrize("ids", ["", "other:100000:65536\n"])
def test_without_root_and_without_ids_to_hand_out_nothing_is_built(
    ids: str, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "subuid").write_text(ids)
    monkeypatch.setattr("deploy.images.builder._SUBORDINATE_IDS", tmp_path / "subuid")
    monkeypatch.setattr(os, "geteuid", lambda: 20000)

    with pytest.raises(
        ImageError, match=r"image triton-cpu is to be built, which wants root.*; build it: sudo make"
    ) as told:
        push_images(("triton-cpu",), "registry.example/team")

    assert "\n" not in str(told.value)
    assert machine.calls("buildah", "bud") == []


def test_an_image_on_the_serving_image_is_pushed_without_an_archive(machine: Machine) -> None:
    machine.cache.mkdir(parents=True)
    old = [machine.cache / f"{ON_SERVING}-{number}.tar" for number in range(5)]
    for archive in old:
        archive.touch()
    pushed = push_images((ON_SERVING,), "registry.example/team", serving=SERVING)
    names = [reference(ON_SERVING, registry, serving=SERVING) for registry in ("localhost", "registry.example/team")]
    (push,) = machine.calls("buildah", "push")
    assert push[-2:] == [names[0], f"docker://{names[1]}"]
    assert pushed[ON_SERVING].pin == f"{names[1]}@{DIGEST}"
    assert machine.built() == [names[0]]
    assert f"--build-arg=SERVING={SERVING}" in machine.calls("buildah", "bud")[-1]
    assert sorted(machine.cache.glob("*.tar")) == old


def test_a_failed_push_names_the_target_and_the_login(machine: Machine) -> None:
    archive_of("triton-cpu")
    machine.fail("Error: unauthorized")
    target = re.escape(reference("triton-cpu", "registry.example/team"))
    with pytest.raises(ImageError, match=f"{target} was not pushed.*skopeo login registry.example; .*unauthorized"):
        push_images(("triton-cpu",), "registry.example/team")
