from pathlib import Path

import pytest

from deploy.whereabouts import Whereabouts


@pytest.fixture
def records(tmp_path: Path) -> Whereabouts:
    """Two stacks on one cluster, and one elsewhere."""
    made = Whereabouts(folder=tmp_path)
    made.note("dev", context="embedded")
    made.note("real", context="embedded")
    made.note("gpu", context="elsewhere")
    return made


def test_the_stacks_of_one_context_are_found_and_forgotten(records: Whereabouts) -> None:
    assert list(records.stacks_on("embedded")) == ["dev", "real"]
    records.forget("dev")
    records.forget("dev")
    assert list(records.stacks_on("embedded")) == ["real"]


def test_the_last_place_counts(records: Whereabouts) -> None:
    records.note("dev", context="elsewhere")

    assert list(records.stacks_on("elsewhere")) == ["dev", "gpu"]
