"""The six kinds of test, a folder each: what needs least runs first."""

import signal
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
_KINDS = ("unit", "gpu", "cluster", "e2e", "guest", "faults")


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start, even where the suite itself runs in the background without it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its kind, and order them by it; within a kind, and after the last, the order stays."""
    for item in items:
        if kind := _kind(item):
            item.add_marker(kind)
    items.sort(key=lambda item: _KINDS.index(kind) if (kind := _kind(item)) else len(_KINDS))


def _kind(item: pytest.Item) -> str | None:
    """Return the name of the folder under tests/ that a test lies in; None for one that lies elsewhere."""
    return next((kind for kind in _KINDS if _FOLDER / kind in item.path.parents), None)
