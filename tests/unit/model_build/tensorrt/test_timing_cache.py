import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_build.tensorrt.device import Machine
from model_build.tensorrt.timing_cache import (
    accepted_timing_cache,
    is_cache_hit,
    measured_timing_cache,
    timing_cache_from_file,
    timing_cache_path,
    write_timing_cache,
)
from tests.unit.model_build.onnx_device import H800


def test_a_machine_has_a_cache_of_its_own(tmp_path: Path) -> None:
    def name(version: tuple[int, int, int] = (8, 6, 1), **changes: str) -> str:
        path = timing_cache_path(tmp_path, Machine(version=version, gpu=replace(H800, **changes)))
        assert path.parent == tmp_path
        return path.name

    assert name() == "8.6.1-NVIDIA-H800-9.0.cache"
    others = {name(version=(10, 6, 0)), name(product="NVIDIA-L4"), name(compute_capability="9.1")}
    assert len(others | {name()}) == 4
    assert name(driver="1") == name()


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


@dataclass
class Config:
    """TensorRT's IBuilderConfig, as far as it holds a timing cache; a stand-in that takes only its own GPU's."""

    own: bytes
    held: list[bytes] = field(default_factory=list)

    def create_timing_cache(self, data: bytes) -> bytes | None:
        return None if data == b"no cache" else data

    def set_timing_cache(self, cache: bytes | None, *, ignore_mismatch: bool) -> bool:
        if cache is None or ignore_mismatch:
            raise TypeError
        if cache in {b"", self.own}:
            self.held.append(cache)
        return cache in {b"", self.own}

    def get_timing_cache(self) -> SimpleNamespace:
        return SimpleNamespace(serialize=lambda: memoryview(self.held[-1]))


@pytest.mark.parametrize("given", [b"", b"own"])
def test_what_this_gpu_measured_is_taken(given: bytes, caplog: pytest.LogCaptureFixture) -> None:
    config = Config(own=b"own")
    assert accepted_timing_cache(config, given) == given
    assert config.held == [given]
    assert measured_timing_cache(config) == given
    assert caplog.messages == []


@pytest.mark.parametrize("given", [b"another", b"no cache"])
def test_what_tensorrt_does_not_take_is_left_out_and_said(given: bytes, caplog: pytest.LogCaptureFixture) -> None:
    config = Config(own=b"own")
    assert accepted_timing_cache(config, given) == b""
    assert config.held == [b""]
    assert caplog.messages == ["TensorRT does not take the timing cache, which is of another GPU; all is measured anew"]


@pytest.mark.parametrize(
    ("accepted", "measured", "hit"),
    [(b"", b"", False), (b"", b"one", False), (b"one", b"one", True), (b"one", b"one, two", False)],
)
def test_a_hit_is_a_build_that_added_nothing(accepted: bytes, measured: bytes, *, hit: bool) -> None:
    assert is_cache_hit(accepted, measured) is hit
