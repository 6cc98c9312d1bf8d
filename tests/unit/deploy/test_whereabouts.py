from pathlib import Path

from deploy.whereabouts import Whereabouts


def test_a_stack_that_was_never_deployed_has_not_moved(tmp_path: Path) -> None:
    assert not Whereabouts(folder=tmp_path).moved("dev", "uid-1")


def test_another_cluster_behind_the_same_context_is_noticed(tmp_path: Path) -> None:
    records = Whereabouts(folder=tmp_path)
    records.note("dev", context="embedded", identity="uid-1")

    assert not records.moved("dev", "uid-1")
    assert records.moved("dev", "uid-2")


def test_the_stacks_of_one_context_are_found_and_forgotten(tmp_path: Path) -> None:
    records = Whereabouts(folder=tmp_path)
    for stack, context in (("dev", "embedded"), ("real", "embedded"), ("gpu", "elsewhere")):
        records.note(stack, context=context, identity="uid")

    assert list(records.stacks_on("embedded")) == ["dev", "real"]
    records.forget("dev")
    records.forget("dev")
    assert list(records.stacks_on("embedded")) == ["real"]
