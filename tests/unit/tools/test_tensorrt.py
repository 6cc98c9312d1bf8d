import hashlib
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import tensorrt
from tools.cache import Cache
from tools.errors import DiskSpaceError, ToolsError
from tools.tensorrt import Release, ensure_tensorrt, environment_of, releases, tensorrt_folder


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """A release of two small libraries, and on PATH a uv that installs one file and writes down what it was told."""
    archive = tmp_path / "archive.jar"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("META-INF/MANIFEST.MF", "nothing")
        opened.writestr("org/linux/libnvinfer.so.10", "the library")
        opened.writestr("org/linux/libnvinfer_plugin.so.10", "its plugins")
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/uv.log\n[ ! -e {tmp_path}/broken ] || exit 2\n'
        'while [ "$1" != --target ]; do shift; done\nmkdir -p "$2/nvidia/cuda_runtime/lib"\n'
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:/usr/bin:/bin")
    return Release(
        version="10.6.0",
        url=archive.as_uri(),
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        size_bytes=archive.stat().st_size,
        unpacked_bytes=100,
        packages_bytes=100,
        bindings=tmp_path / "10.6.0.lock",
        packages="nvidia-cuda-runtime-cu12==12.6.77\n",
    )


def left(cache: Cache) -> list[str]:
    """What lies in the cache beside its locks."""
    return sorted(path.relative_to(cache.folder).as_posix() for path in cache.folder.rglob("*") if path.name[0] != ".")


def test_libraries_and_packages_are_installed_once(release: Release, cache: Cache, tmp_path: Path) -> None:
    folder = ensure_tensorrt(release, cache)
    Path(release.url.removeprefix("file://")).unlink()
    assert ensure_tensorrt(release, cache) == folder == tensorrt_folder(release, cache)

    assert sorted(path.name for path in (folder / "lib").iterdir()) == ["libnvinfer.so.10", "libnvinfer_plugin.so.10"]
    (command,) = (tmp_path / "uv.log").read_text().splitlines()
    assert command.startswith("pip install --quiet --no-deps --require-hashes --only-binary=:all: --python ")
    assert f"--requirement {release.bindings} --requirement " in command
    assert list(cache.folder.glob(".build-*")) == []


def test_the_environment_names_every_folder_of_libraries(release: Release, cache: Cache) -> None:
    folder = ensure_tensorrt(release, cache)

    line = environment_of(folder)

    python = folder / tensorrt._PYTHON  # noqa: SLF001 - this Python's own name
    assert line == f"export LD_LIBRARY_PATH={folder}/lib:{python}/nvidia/cuda_runtime/lib PYTHONPATH={python}"


def test_another_archive_than_the_pinned_one_is_refused_with_both(release: Release, cache: Cache) -> None:
    wrong = replace(release, sha256="0" * 64)

    with pytest.raises(ToolsError, match=rf"has sha256 {release.sha256} \(\d+ bytes\), but tensorrt.toml pins 0{{64}}"):
        ensure_tensorrt(wrong, cache)

    assert left(cache) == ["tensorrt", "tensorrt/10.6.0"]


def test_a_url_that_does_not_answer_is_one_line(release: Release, cache: Cache) -> None:
    with pytest.raises(ToolsError, match=r"nothing\.jar does not answer: .*; run the command again when it does"):
        ensure_tensorrt(replace(release, url=f"{release.url}/nothing.jar"), cache)


def test_packages_that_were_not_installed_are_tried_again(release: Release, cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(
        ToolsError, match=r"packages of TensorRT 10\.6\.0 were not installed, see above; they need PyPI"
    ):
        ensure_tensorrt(release, cache)
    (tmp_path / "broken").unlink()

    folder = ensure_tensorrt(release, cache)

    assert sorted(path.name for path in folder.iterdir()) == ["lib", tensorrt._PYTHON]  # noqa: SLF001 - as above


def test_a_disk_that_is_too_small_is_refused_before_the_download(
    release: Release, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))

    with pytest.raises(DiskSpaceError, match=r"GiB free, but TensorRT 10\.6\.0 needs .*; free some, or choose another"):
        ensure_tensorrt(replace(release, url="file:///nowhere"), cache)


def test_a_cache_that_cannot_be_written_is_one_line(release: Release, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")

    with pytest.raises(ToolsError, match=r"cache.*; make .* writable, with room for it, or choose another place"):
        ensure_tensorrt(release, Cache(tmp_path / "cache"))


def test_each_listed_release_has_a_lock_for_its_bindings() -> None:
    listed = releases()

    assert sorted(listed) == ["10.6.0", "8.6.1"]
    for version, release in listed.items():
        assert f"bindings=={version} " in release.bindings.read_text()
        assert "--hash=sha256:" in release.packages
