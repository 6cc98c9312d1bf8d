import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.catalogue import Tool, catalogue
from tools.prune import mark_used, prune

_NOW_S = 1_800_000_000.0
_DAY_S = 24 * 3600


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def tool(programs_toml: Path) -> Tool:
    return catalogue(programs_toml)[0]


def product(cache: Cache, name: str, *, age_days: float) -> Path:
    place = cache.folder / name
    place.mkdir(parents=True)
    os.utime(place, (_NOW_S, _NOW_S - age_days * _DAY_S))
    return place


def test_another_pin_s_product_goes_when_nothing_has_used_it_for_long(cache: Cache, tool: Tool) -> None:
    old = product(cache, "hello-0123456789abcdef", age_days=15)
    young = product(cache, "hello-fedcba9876543210", age_days=13)
    wanted = product(cache, cache.product(tool).name, age_days=99)
    other = product(cache, "hello-world-0123456789abcdef", age_days=99)

    assert prune([cache.product(tool)], cache, now_s=_NOW_S) == [old]

    assert [place.exists() for place in (old, young, wanted, other)] == [False, True, True, True]


def test_what_a_process_runs_from_stays(cache: Cache, tool: Tool) -> None:
    old = product(cache, "hello-0123456789abcdef", age_days=15)
    shutil.copy("/bin/sleep", old)
    os.utime(old, (_NOW_S, _NOW_S - 15 * _DAY_S))
    with subprocess.Popen([old / "sleep", "1000"]) as process:
        try:
            assert prune([cache.product(tool)], cache, now_s=_NOW_S) == []
        finally:
            process.kill()

    assert prune([cache.product(tool)], cache, now_s=_NOW_S) == [old]


def test_what_is_used_is_young(cache: Cache, tool: Tool) -> None:
    place = product(cache, cache.product(tool).name, age_days=99)

    mark_used([cache.product(tool)])

    assert prune([cache.folder / "hello-0000000000000000"], cache, now_s=place.stat().st_mtime) == []


def test_a_cache_that_can_only_be_read_is_no_fault(cache: Cache, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError

    cache.product(tool).mkdir(parents=True)
    monkeypatch.setattr("tools.prune.os.utime", refuse)

    mark_used([cache.product(tool)])


def test_what_another_run_removes_is_left_to_it(cache: Cache, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_cache: Cache, _place: Path) -> None:
        raise FileNotFoundError

    product(cache, "hello-0123456789abcdef", age_days=15)
    monkeypatch.setattr(Cache, "discard", find_nothing)

    assert prune([cache.product(tool)], cache, now_s=_NOW_S) == []
