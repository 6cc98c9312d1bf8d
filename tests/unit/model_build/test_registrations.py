import errno
import json
from pathlib import Path

import pytest

from model_build.errors import StorageError
from model_build.registrations import Registrations
from model_build.storage import Storage

OLD, NEW = "0" * 16, "1" * 16


@pytest.fixture
def registrations(storage: Path) -> Registrations:
    return Registrations(Storage(storage))


def publish(storage: Path, plan_id: str) -> None:
    (storage / "repositories" / plan_id).mkdir(parents=True)


def test_a_storage_without_lists_has_none(registrations: Registrations) -> None:
    assert registrations.lists() == {}


def test_a_stack_s_plans_stand_in_the_order_in_which_it_last_named_them(
    registrations: Registrations, storage: Path
) -> None:
    for plan_id in (OLD, NEW, OLD):
        registrations.add("dev", plan_id)
    registrations.add("prod", NEW)
    assert registrations.lists() == {"dev": (NEW, OLD), "prod": (NEW,)}
    assert json.loads((storage / "stacks" / "dev.json").read_text()) == [NEW, OLD]
    assert sorted(path.name for path in (storage / "stacks").iterdir()) == [".lock", "dev.json", "prod.json"]


def test_what_was_published_before_anybody_named_it_is_kept_for_good(
    registrations: Registrations, storage: Path
) -> None:
    publish(storage, OLD)
    registrations.add("dev", OLD)
    registrations.add("prod", OLD)
    assert registrations.lists() == {"_unregistered": (OLD,), "dev": (OLD,), "prod": (OLD,)}


def test_what_a_stack_published_itself_is_known(registrations: Registrations, storage: Path) -> None:
    registrations.add("dev", NEW)
    publish(storage, NEW)
    registrations.add("prod", NEW)
    assert registrations.lists() == {"dev": (NEW,), "prod": (NEW,)}


@pytest.mark.parametrize("text", ["", "{}", '["../up"]', "[7]", '["0123"]'])
def test_a_list_that_cannot_be_read_is_refused_and_left(registrations: Registrations, storage: Path, text: str) -> None:
    file = storage / "stacks" / "dev.json"
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(StorageError) as raised:
        registrations.add("dev", NEW)
    assert str(raised.value) == (
        f"{file} is no list of plans, and nothing was published or pruned; accepted: a JSON list of plan ids; "
        "write all those into it that the stack may serve"
    )
    assert file.read_text() == text


def test_another_stack_s_broken_list_is_in_nobody_s_way(registrations: Registrations, storage: Path) -> None:
    (storage / "stacks").mkdir()
    (storage / "stacks" / "prod.json").write_text("broken")
    registrations.add("dev", NEW)
    assert registrations.lists() == {"dev": (NEW,), "prod": None}


def test_a_full_storage_refuses_only_a_plan_that_is_not_on_the_list(
    registrations: Registrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrations.add("dev", OLD)

    def full(path: Path, _: str) -> int:
        raise OSError(errno.ENOSPC, "full", str(path))

    monkeypatch.setattr(Path, "write_text", full)
    registrations.add("dev", OLD)
    with pytest.raises(OSError, match="full"):
        registrations.add("dev", NEW)
    assert registrations.lists() == {"dev": (OLD,)}
