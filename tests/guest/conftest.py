"""One cluster, registry, bucket and user for the whole story, told in the order of the files."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.guest.guest import Guest, guest_in


@pytest.fixture(scope="session")
def guest(
    tmp_path_factory: pytest.TempPathFactory, turn: Callable[[], AbstractContextManager[None]]
) -> Iterator[Guest]:
    """A cluster under another's administration, with what stands around it; all of it is gone at the end."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("the embedded cluster needs root on Linux")
    with turn(), guest_in(tmp_path_factory.mktemp("guest")) as found:
        yield found
