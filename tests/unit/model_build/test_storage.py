import errno
import fcntl
import os
from pathlib import Path

import pytest

from model_build.errors import StorageError
from model_build.storage import Storage, opened_storage

PLAN = "0123456789abcdef"


def finished_repository(scratch: Path, content: str = "model") -> Path:
    repository = scratch / PLAN
    (repository / "tiny" / "1").mkdir(parents=True)
    (repository / "tiny" / "1" / "model.onnx").write_text(content)
    return repository


def test_a_finished_repository_is_published_whole(storage: Path) -> None:
    opened = Storage(storage)
    with opened.scratch(PLAN) as scratch:
        assert opened.publish(finished_repository(scratch), PLAN)
    published = opened.repository(PLAN)
    assert published == storage / "repositories" / PLAN
    assert (published / "tiny" / "1" / "model.onnx").read_text() == "model"


def test_what_is_published_is_readable_by_all_and_its_files_writable_by_none(storage: Path) -> None:
    opened = Storage(storage)
    before = os.umask(0o077)
    try:
        with opened.scratch(PLAN) as scratch:
            opened.publish(finished_repository(scratch), PLAN)
    finally:
        os.umask(before)
    published = opened.repository(PLAN)
    assert published.stat().st_mode & 0o777 == 0o755
    assert (published / "tiny" / "1").stat().st_mode & 0o777 == 0o755
    assert (published / "tiny" / "1" / "model.onnx").stat().st_mode & 0o777 == 0o444


def test_the_first_to_publish_wins(storage: Path) -> None:
    opened = Storage(storage)
    with opened.scratch(PLAN) as first, opened.scratch(PLAN) as second:
        assert opened.publish(finished_repository(first, "first"), PLAN)
        assert not opened.publish(finished_repository(second, "second"), PLAN)
    assert (opened.repository(PLAN) / "tiny" / "1" / "model.onnx").read_text() == "first"


def test_scratch_is_removed_after_a_failure(storage: Path) -> None:
    def fail() -> None:
        with Storage(storage).scratch(PLAN) as scratch:
            finished_repository(scratch)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in (storage / "scratch").iterdir()] == [".lock"]


def test_a_dead_build_s_scratch_is_removed_and_a_living_one_s_is_not(storage: Path) -> None:
    dead = storage / "scratch" / f"{PLAN}.dead"
    living = storage / "scratch" / f"{PLAN}.living"
    for folder in (dead, living):
        (folder / "work").mkdir(parents=True)
        (folder / "owner.lock").touch()
    with (living / "owner.lock").open() as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        with Storage(storage).scratch(PLAN) as scratch:
            assert scratch.is_dir()
            assert not dead.exists()
            assert living.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_storage_is_one_line(storage: Path, number: int) -> None:
    with pytest.raises(StorageError) as raised, opened_storage(storage):
        raise OSError(number, "full")
    assert str(raised.value).startswith(f"{storage} is full (")
    assert "MiB free) and nothing was published; free some space and run again" in str(raised.value)


def test_what_the_filesystem_refuses_is_one_line(storage: Path) -> None:
    (storage / "scratch").write_text("a file where a folder must be")
    with (
        pytest.raises(StorageError, match=r"scratch: File exists"),
        opened_storage(storage) as opened,
        opened.scratch(PLAN),
    ):
        pass


def test_a_storage_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="storage is no folder; accepted: --storage"),
        opened_storage(tmp_path / "storage"),
    ):
        pass
