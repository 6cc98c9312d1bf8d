"""The options of the smoke tests, whom they ask, and the table at the end."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from smoke_tests.client import Classified, TritonClient
from smoke_tests.contract import QUICK_START
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import NoAnswerError, OptionError
from smoke_tests.preprocessing import Tensor
from smoke_tests.report import classification_table
from smoke_tests.settings import PICTURES, Settings
from smoke_tests.wire import exchange

UNREACHABLE_STATUS = os.EX_UNAVAILABLE
SETTINGS = pytest.StashKey[Settings]()
BEST_CLASSES = pytest.StashKey[dict[Endpoint, list[Classified]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("smoke tests of a Triton server")
    add = group.addoption
    add("--url", help="where the server's HTTP API begins: [http[s]://]HOST[:PORT][/BASE]")
    add("--replica-url", action="append", default=[], metavar="URL", help="a replica, asked by itself; repeatable")
    add("--model", default="densenet_tensorrt", help="the model's name (default: %(default)s)")
    add("--manifest", type=Path, metavar="FILE", help="the repository's manifest.json, for its golden scores")
    add("--image", type=Path, default=PICTURES / "mug.png", metavar="FILE", help="the expected image")
    add("--other-image", type=Path, default=PICTURES / "ball.png", metavar="FILE", help="an image of another class")
    add("--expect-class", type=int, metavar="N", help=f"default: the manifest's, or {QUICK_START.class_index}")
    add("--expect-label", metavar="TEXT", help=f"default: the manifest's, or {QUICK_START.label}")
    add("--max-body-bytes", type=int, metavar="N", help="the largest body that the URL must accept")
    add("--routed", action="store_true", help="the URL is a route that gives health, metadata, config and infer only")
    add("--request-timeout-s", type=float, default=30, metavar="S", help="patience with each answer (default: 30)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that can't be used, before any test is collected."""
    if config.option.help:
        return
    try:
        config.stash[SETTINGS] = Settings.from_options(config.option)
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[BEST_CLASSES] = {}
    # The schema of xunit2 has no place for what a test measures; pytest writes it all the same.
    config.addinivalue_line("filterwarnings", "ignore:record_property is incompatible:pytest.PytestWarning")
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"


def pytest_sessionstart(session: pytest.Session) -> None:
    """End at once where nobody answers, instead of failing every test for one reason."""
    settings = session.config.stash[SETTINGS]
    if session.config.option.collectonly:
        return
    for endpoint in settings.endpoints:
        try:
            exchange(endpoint, "GET", "/v2/health/live", timeout_s=settings.timeout_s)
        except NoAnswerError as error:
            pytest.exit(
                f"the server does not answer: {error}; start it or correct its URL", returncode=UNREACHABLE_STATUS
            )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Put the questions about scores to the URL and to every replica."""
    if "endpoint" in metafunc.fixturenames:
        endpoints = metafunc.config.stash[SETTINGS].endpoints
        metafunc.parametrize("endpoint", endpoints, ids=[endpoint.without_scheme for endpoint in endpoints])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put bad requests last, so that a server that dies of them has been asked everything else."""
    items.sort(key=lambda item: item.path.stem == "test_bad_requests")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Print what the URL called the expected image, as the last of all that is printed."""
    yield
    settings = session.config.stash[SETTINGS]
    classes = session.config.stash[BEST_CLASSES].get(settings.url)
    terminalreporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if classes is None or terminalreporter is None:
        return
    if settings.routed:
        terminalreporter.write_line(str(settings.url))
    for line in classification_table(settings.image.name, classes):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """Return what is to be proven, and of whom."""
    return pytestconfig.stash[SETTINGS]


@pytest.fixture(scope="session")
def best_classes(pytestconfig: pytest.Config) -> dict[Endpoint, list[Classified]]:
    """Return where a test leaves what a server called the expected image, for the table."""
    return pytestconfig.stash[BEST_CLASSES]


@pytest.fixture
def client(settings: Settings) -> Iterator[TritonClient]:
    """Return a client of the URL, with a connection of its own."""
    with TritonClient(settings.url, settings.model, timeout_s=settings.timeout_s) as client:
        yield client


@pytest.fixture
def replica(endpoint: Endpoint, settings: Settings) -> Iterator[TritonClient]:
    """Return a client of the URL, then of each replica."""
    with TritonClient(endpoint, settings.model, timeout_s=settings.timeout_s) as client:
        yield client


@pytest.fixture(scope="session")
def max_batch_size(settings: Settings) -> int:
    """Return the manifest's batch size, or the model's own where there is no manifest."""
    if settings.manifest:
        return settings.manifest.max_batch_size
    with TritonClient(settings.url, settings.model, timeout_s=settings.timeout_s) as client:
        return int(client.config().get("max_batch_size", 0))


@pytest.fixture(scope="session")
def image(settings: Settings, max_batch_size: int) -> Tensor:
    """Return the expected image, prepared as the Python client does, in the shape that the model takes."""
    return settings.image.imagenet[None] if max_batch_size else settings.image.imagenet
