"""Three files ask libnvinfer for its version, each where it cannot import the others: they must read it alike."""

import runpy
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
READERS = (
    "model_build/tensorrt/library.py",
    "images/model-build-tensorrt/choose_bindings.py",
    "infra/pod/verify_repository.py",
)


@pytest.fixture(scope="module")
def readers() -> list[dict[str, Any]]:
    """What each file defines."""
    return [runpy.run_path(str(REPOSITORY / file)) for file in READERS]


@pytest.mark.parametrize(
    ("number", "version"),
    [(8601, (8, 6, 1)), (8502, (8, 5, 2)), (100600, (10, 6, 0)), (101200, (10, 12, 0)), (110400, (11, 4, 0))],
)
def test_a_number_is_the_same_version_to_all(
    readers: list[dict[str, Any]], number: int, version: tuple[int, int, int]
) -> None:
    assert [reader["version_from_number"](number) for reader in readers] == [version] * len(READERS)


def test_all_look_for_the_same_libraries_in_the_same_order(readers: list[dict[str, Any]]) -> None:
    first, *others = [reader["_TENSORRT_MAJORS"] for reader in readers]
    assert others == [first] * len(others)
