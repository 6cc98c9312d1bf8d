"""The six kinds of test, a folder each: what needs least runs first; with two workers, the clusters beside the rest."""

import contextlib
import fcntl
import gc
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling

_FOLDER = Path(__file__).parent
_KINDS = ("unit", "gpu", "cluster", "e2e", "guest", "faults")
_WITH_WORKERS = ("cluster", "e2e", "faults", "unit", "gpu", "guest")
"""The longest group first; the guest's cluster last, when those of the first group's that want no other have ended."""

_STORY = ("cluster", "e2e", "faults")
"""Kinds that are told in order on one worker, as are the guest's; of the others, each file is for whoever is free."""

_WORKERS = pytest.StashKey[list[Any]]()
_FAREWELL_S = 180


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C reach what the tests start, even where the suite itself runs in the background without it."""
    config.stash[_WORKERS] = []
    signal.signal(signal.SIGINT, _interrupt_once if _is_worker(config) else signal.default_int_handler)


def _interrupt_once(*_arguments: object) -> None:
    """End a worker's tests, and let what they have started be taken down: pytest-xdist interrupts that again."""
    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Note a worker; only where there are some is this called, and not in them."""
    node.config.stash[_WORKERS].append(node)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """After Ctrl-C, wait until the workers have taken down what they had started: pytest-xdist soon kills them."""
    workers = session.config.stash[_WORKERS]
    if not workers or exitstatus != pytest.ExitCode.INTERRUPTED:
        return
    for process in psutil.Process().children():
        process.send_signal(signal.SIGINT)
    deadline_s = time.monotonic() + _FAREWELL_S
    while not all(hasattr(worker, "workeroutput") for worker in workers) and time.monotonic() < deadline_s:
        time.sleep(0.1)


class _Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        kind = _kind(self.config.rootpath / nodeid.partition("::")[0])
        return "story" if kind in _STORY else "guest" if kind == "guest" else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Hand out to workers whole files, and whole stories. (`--dist loadgroup` groups nothing with pytest 9.2.)"""
    return _Scheduling(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its kind, and order them by it; within a kind, and after the last, the order stays."""
    order = _WITH_WORKERS if _is_worker(config) else _KINDS
    for item in items:
        if kind := _kind(item.path):
            item.add_marker(kind)
    items.sort(key=lambda item: order.index(kind) if (kind := _kind(item.path)) else len(order))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what stays out of garbage collections: a test that runs pytest has it look through all there is, twice."""
    gc.collect()
    gc.freeze()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _kind(path: Path) -> str | None:
    """Return the name of the folder under tests/ that a test's file lies in; None for one that lies elsewhere."""
    return next((kind for kind in _KINDS if _FOLDER / kind in path.parents), None)


@pytest.fixture(scope="session")
def turn(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Callable[[], AbstractContextManager[None]]:
    """Have clusters of two workers one after the other: what the host forwards, all of its clusters share."""
    own = tmp_path_factory.getbasetemp()
    lock = (own.parent if _is_worker(pytestconfig) else own) / "turn"

    @contextlib.contextmanager
    def taken() -> Iterator[None]:
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return taken
