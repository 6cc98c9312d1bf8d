"""The cluster `embedded-test`, brought up from nothing once for this folder's tests, and removed after the last."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.cluster.driver import ClusterDriver


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip every test of this folder where no cluster can be started."""
    if sys.platform == "linux" and os.geteuid() == 0:
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="the embedded cluster needs root on Linux"))


@pytest.fixture(scope="package")
def cluster(turn: Callable[[], AbstractContextManager[None]]) -> Iterator[ClusterDriver]:
    """A healthy cluster; a test that breaks it mends it with `up`."""
    driver = ClusterDriver("embedded-test")
    with turn():
        driver.run("down")
        try:
            driver.run("up")
            yield driver
        finally:
            driver.run("down")
