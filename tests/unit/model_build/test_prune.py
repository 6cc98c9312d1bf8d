import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from contract.manifest import json_from_manifest
from model_build.errors import StorageError
from model_build.prune import inventory_of_storage, plans_still_named, pruned_storage
from model_build.registrations import Registrations
from model_build.storage import Storage
from tests.unit.model_build.manifests import MANIFEST

FIRST, SECOND, THIRD = "0" * 16, "1" * 16, "2" * 16


def publish(storage: Path, *plans: str, stack: str | None) -> None:
    """Name each plan as a build does, where a stack is given, and publish it."""
    for plan_id in plans:
        if stack:
            Registrations(Storage(storage)).add(stack, plan_id)
        file = storage / "repositories" / plan_id / "model" / "1" / "model.onnx"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("model")
        file.chmod(0o444)


def plans(storage: Path) -> tuple[str, ...]:
    return Storage(storage).published_plans()


def test_what_no_stack_names_any_more_is_removed(storage: Path) -> None:
    publish(storage, FIRST, SECOND, THIRD, stack="dev")
    pruned = pruned_storage(storage, stack="dev", keep=[THIRD])
    assert (pruned.kept, pruned.pruned, pruned.named_by_others) == ((THIRD,), (FIRST, SECOND), ())
    assert 0 < pruned.free_bytes <= shutil.disk_usage(storage).total
    assert plans(storage) == (THIRD,)
    assert Registrations(Storage(storage)).lists() == {"dev": (THIRD,)}
    assert [path.name for path in (storage / "scratch").iterdir()] == [".lock"]


def test_an_engine_goes_with_the_last_plan_that_serves_it(storage: Path) -> None:
    engines = {FIRST: "a" * 16, SECOND: "b" * 16, THIRD: "b" * 16}
    publish(storage, *engines, stack="dev")
    for plan_id, engine_id in engines.items():
        manifest = json_from_manifest(replace(MANIFEST, plan_id=plan_id, engine_id=engine_id))
        (storage / "repositories" / plan_id / "manifest.json").write_text(manifest)
        (storage / "engines" / engine_id).mkdir(parents=True, exist_ok=True)
    (storage / "engines" / ".in-the-making").mkdir()

    assert pruned_storage(storage, stack="dev", keep=[THIRD]).pruned == (FIRST, SECOND)

    assert sorted(path.name for path in (storage / "engines").iterdir()) == [".in-the-making", "b" * 16]


def test_what_another_stack_names_stays_until_that_one_drops_it(storage: Path) -> None:
    publish(storage, FIRST, SECOND, stack="dev")
    publish(storage, FIRST, THIRD, stack="prod")
    pruned = pruned_storage(storage, stack="dev", keep=[SECOND])
    assert (pruned.pruned, pruned.named_by_others) == ((), (FIRST,))
    assert plans(storage) == (FIRST, SECOND, THIRD)
    assert pruned_storage(storage, stack="prod", keep=[THIRD]).pruned == (FIRST,)


def test_what_was_published_before_there_were_lists_stays(storage: Path) -> None:
    publish(storage, FIRST, SECOND, stack=None)
    publish(storage, SECOND, THIRD, stack="dev")
    pruned = pruned_storage(storage, stack="dev", keep=[THIRD])
    assert (pruned.pruned, pruned.named_by_others) == ((), (SECOND,))
    assert plans(storage) == (FIRST, SECOND, THIRD)


def test_a_kept_plan_that_nobody_had_named_is_kept_for_good(storage: Path) -> None:
    publish(storage, FIRST, stack=None)
    publish(storage, SECOND, stack="dev")
    assert pruned_storage(storage, stack="dev", keep=[FIRST, SECOND]).kept == (FIRST, SECOND)
    assert pruned_storage(storage, stack="dev", keep=[SECOND]).named_by_others == (FIRST,)
    assert plans(storage) == (FIRST, SECOND)


@pytest.mark.parametrize(
    ("named", "keep", "still"),
    [
        ((FIRST, SECOND, THIRD), (THIRD,), (THIRD,)),
        ((FIRST, SECOND, THIRD), (THIRD, FIRST), (FIRST, THIRD)),
        ((FIRST, SECOND, THIRD), (SECOND,), (SECOND, THIRD)),  # somebody deploys the third at this moment
        ((FIRST, SECOND), (THIRD,), (THIRD, FIRST, SECOND)),
        ((), (THIRD,), (THIRD,)),
    ],
)
def test_a_stack_keeps_what_it_must_and_what_it_named_since(
    named: Sequence[str], keep: Sequence[str], still: tuple[str, ...]
) -> None:
    assert plans_still_named(named, keep) == still


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nothing_is_removed_while_a_list_cannot_be_read(storage: Path, stack: str) -> None:
    publish(storage, FIRST, SECOND, stack="dev")
    file = storage / "stacks" / f"{stack}.json"
    file.write_text("[")
    with pytest.raises(StorageError, match=f"{stack}.json is no list of plans, and nothing was published or pruned"):
        pruned_storage(storage, stack="dev", keep=[SECOND])
    assert plans(storage) == (FIRST, SECOND)
    assert file.read_text() == "["


_KILLED_PRUNING = """
import os, shutil, signal, sys
from pathlib import Path
from model_build.prune import pruned_storage

shutil.rmtree = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
pruned_storage(Path(sys.argv[1]), stack="dev", keep=[sys.argv[2]])
"""


def test_a_killed_pruning_leaves_nothing_half_there_and_the_next_one_completes_it(storage: Path) -> None:
    publish(storage, FIRST, SECOND, stack="dev")
    command = [sys.executable, "-c", _KILLED_PRUNING, str(storage), SECOND]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9
    assert plans(storage) == (SECOND,)
    assert len(list((storage / "scratch").glob("prune.*"))) == 1

    assert pruned_storage(storage, stack="dev", keep=[SECOND]).pruned == ()
    assert [path.name for path in (storage / "scratch").iterdir()] == [".lock"]
    assert Registrations(Storage(storage)).lists() == {"dev": (SECOND,)}


def test_sources_downloads_and_timing_caches_stay(storage: Path) -> None:
    publish(storage, FIRST, SECOND, stack="dev")
    others = [storage / folder / "a" for folder in ("sources", "downloads", "timing-caches")]
    for path in others:
        path.parent.mkdir()
        path.touch()
    pruned_storage(storage, stack="dev", keep=[SECOND])
    assert all(path.exists() for path in others)


def test_an_inventory_only_reads(storage: Path) -> None:
    usage = shutil.disk_usage(storage)
    empty = inventory_of_storage(storage)
    assert (empty["plans"], empty["stacks"], empty["totalBytes"]) == ((), {}, usage.total)
    assert list(storage.iterdir()) == []
    publish(storage, FIRST, SECOND, stack="dev")
    (storage / "stacks" / "prod.json").write_text("broken")
    found = inventory_of_storage(storage)
    assert (found["plans"], found["stacks"]) == ((FIRST, SECOND), {"dev": (FIRST, SECOND), "prod": None})
    assert 0 < found["freeBytes"] <= usage.total
