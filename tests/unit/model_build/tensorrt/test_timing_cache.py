import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from model_build.tensorrt.device import Machine
from model_build.tensorrt.timing_cache import timing_cache_from_file, timing_cache_path, write_timing_cache
from tests.unit.model_build.onnx_device import H800


def test_a_machine_has_a_cache_of_its_own(tmp_path: Path) -> None:
    assert timing_cache_path(tmp_path, Machine(version=(8, 6, 1), gpu=H800)) == tmp_path / "8.6.1-NVIDIA-H800.cache"


def test_what_was_written_is_read_and_the_later_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "timing-caches" / "one.cache"
    assert timing_cache_from_file(path) == b""
    for cache in (b"first", b"second"):
        write_timing_cache(cache, path)
        assert timing_cache_from_file(path) == cache
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-1] + b"\x00", lambda _: b"", lambda _: b"x"]
)
def test_a_damaged_cache_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "one.cache"
    write_timing_cache(b"measurements", path)
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert timing_cache_from_file(path) == b""
    assert caplog.messages == [f"{path} is damaged and not used; it is written anew"]


def test_a_cache_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.cache"
    write_timing_cache(b"old", path)

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        write_timing_cache(b"new", path)
    assert timing_cache_from_file(path) == b"old"
    assert list(tmp_path.iterdir()) == [path]
