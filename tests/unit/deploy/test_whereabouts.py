from pathlib import Path

import pytest

from deploy.whereabouts import Whereabouts


@pytest.fixture
def records(tmp_path: Path) -> Whereabouts:
    """Two stacks on one cluster, and one elsewhere in a namespace of the same name."""
    made = Whereabouts(folder=tmp_path)
    made.note("dev", context="embedded", identity="uid-1", namespace="triton")
    made.note("real", context="embedded", identity="uid-1", namespace="triton-real")
    made.note("gpu", context="elsewhere", identity="uid-2", namespace="triton")
    return made


def test_a_stack_that_was_never_deployed_is_nowhere(records: Whereabouts) -> None:
    assert records.identity("new") is None


def test_the_last_place_counts(records: Whereabouts) -> None:
    records.note("dev", context="embedded", identity="uid-3", namespace="triton")

    assert records.identity("dev") == "uid-3"


def test_the_stacks_of_one_context_are_found_and_forgotten(records: Whereabouts) -> None:
    assert list(records.stacks_on("embedded")) == ["dev", "real"]
    records.forget("dev")
    records.forget("dev")
    assert list(records.stacks_on("embedded")) == ["real"]


def test_a_namespace_belongs_to_its_cluster(records: Whereabouts) -> None:
    assert list(records.stacks_in("triton", identity="uid-1")) == ["dev"]
    assert list(records.stacks_in("triton", identity="uid-2")) == ["gpu"]
