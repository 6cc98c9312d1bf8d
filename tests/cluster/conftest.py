"""The cluster `embedded-test`, brought up from nothing once for all tests, and removed at the end."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.driver import ClusterDriver


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and skip it where no cluster can be started."""
    needs = None if sys.platform == "linux" and os.geteuid() == 0 else "the embedded cluster needs root on Linux"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("cluster")
            if needs:
                item.add_marker(pytest.mark.skip(reason=needs))


@pytest.fixture(scope="session")
def cluster() -> Iterator[ClusterDriver]:
    """A healthy cluster; a test that breaks it mends it with `up`."""
    driver = ClusterDriver("embedded-test")
    driver.run("down")
    try:
        driver.run("up")
        yield driver
    finally:
        driver.run("down")
