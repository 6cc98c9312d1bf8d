from dataclasses import replace
from pathlib import Path

import pytest

from tools.cache import Cache, content_key
from tools.catalogue import Tool, catalogue
from tools.package import Package


@pytest.fixture
def tool(programs_toml: Path) -> Tool:
    return catalogue(programs_toml)[0]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_the_cache_lies_where_the_user_keeps_his_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")

    assert Cache.of_user().folder == Path("/somewhere/densenet-triton/tools")


@pytest.mark.parametrize("name", ["go.mod", "main.go", "words.txt", "sdk/go.mod", "sdk/inner/a.go"])
def test_a_tool_is_another_one_when_a_source_changes(name: str, programs_toml: Path, tool: Tool) -> None:
    source = programs_toml.parent / "go" / "hello" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.touch()
    before = content_key(tool)
    source.write_text(source.read_text() + "\n")

    assert content_key(tool) != before


def test_a_tool_is_another_one_when_its_stamp_changes(programs_toml: Path, tool: Tool) -> None:
    programs_toml.write_text(programs_toml.read_text().replace('= "hello" }', '= "hi" }'))

    assert content_key(catalogue(programs_toml)[0]) != content_key(tool)


def test_a_tool_stays_the_same_when_other_versions_become_suitable(programs_toml: Path, tool: Tool) -> None:
    programs_toml.write_text(programs_toml.read_text().replace(">=2, <3", ">=1, <3"))

    assert content_key(catalogue(programs_toml)[0]) == content_key(tool)


def test_what_lies_about_in_the_folder_does_not_count(programs_toml: Path, tool: Tool) -> None:
    before = content_key(tool)
    (programs_toml.parent / "go" / "hello" / "schema.json").write_text("{}")

    assert content_key(tool) == before


def test_a_product_appears_with_all_its_files(cache: Cache, tool: Tool) -> None:
    with cache.build_folder() as build_folder:
        finished = build_folder.path / "finished"
        finished.mkdir()
        (finished / "word").write_text("hello")
        assert not cache.product(tool).exists()
        cache.publish(finished, cache.product(tool))

    assert (cache.product(tool) / "word").read_text() == "hello"


def test_a_build_folder_is_gone_after_a_failure(cache: Cache) -> None:
    with pytest.raises(FileNotFoundError), cache.build_folder() as build_folder:
        (build_folder.path / "half" / "built").write_text("…")

    assert list(cache.folder.glob(".build-*")) == []


def test_only_the_build_folders_of_dead_runs_are_stale(cache: Cache) -> None:
    (cache.folder / ".build-dead").mkdir(parents=True)
    (cache.folder / ".build-dead" / "alive").touch()
    removed: list[Path] = []

    with cache.build_folder() as living:
        cache.remove_stale_builds(removed.append)
        assert living.path.exists()

    assert removed == [cache.folder / ".build-dead"]
    assert not (cache.folder / ".build-dead").exists()


def test_a_free_lock_is_not_waited_for(cache: Cache, tool: Tool) -> None:
    waited: list[None] = []

    with cache.lock(tool.name, lambda: waited.append(None)):
        pass

    assert waited == []


def test_go_s_caches_stay_after_a_failure_and_go_after_success(cache: Cache) -> None:
    with pytest.raises(KeyboardInterrupt), cache.go_caches() as caches:
        raise KeyboardInterrupt
    assert caches.folder.is_dir()

    with cache.go_caches() as caches:
        assert caches.folder.is_dir()
    assert not caches.folder.exists()


def test_go_s_caches_stay_while_another_run_uses_them(cache: Cache) -> None:
    with cache.go_caches() as caches:
        with cache.go_caches():
            pass
        assert caches.folder.is_dir()


def test_a_package_s_lock_makes_the_tool(programs_toml: Path, tool: Tool, tmp_path: Path, cache: Cache) -> None:
    lock = tmp_path / "hello.lock"
    lock.write_text("hello==1.0 \\\n    --hash=sha256:00\n")
    packaged = replace(tool, prebuilt=Package(lock))
    before = content_key(packaged)
    (programs_toml.parent / "go" / "hello" / "main.go").write_text("package main\n")
    assert content_key(packaged) == before

    assert cache.found(packaged) is None
    cache.product(packaged.from_source()).mkdir(parents=True)
    assert cache.found(packaged) == cache.product(packaged.from_source())
    cache.product(packaged).mkdir()
    assert cache.found(packaged) == cache.product(packaged)
    lock.write_text("hello==1.0 \\\n    --hash=sha256:11\n")
    assert content_key(replace(tool, prebuilt=Package(lock))) != before


def test_what_is_removed_is_never_half_there_under_its_name(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_folder: Path) -> None:
        raise KeyboardInterrupt

    place = cache.folder / "hello-0123456789abcdef"
    place.mkdir(parents=True)
    with monkeypatch.context() as interrupted:
        interrupted.setattr("tools.cache.shutil.rmtree", interrupt)
        with pytest.raises(KeyboardInterrupt):
            cache.discard(place)
        with pytest.raises(KeyboardInterrupt), cache.go_caches():
            pass
    assert not place.exists()
    assert not (cache.folder / ".go").exists()

    cache.remove_stale_builds(lambda _path: None)

    assert list(cache.folder.glob(".build-*")) == []
