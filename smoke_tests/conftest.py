"""The options of the smoke tests, whom they ask, and the table at the end."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.errors import ContractError
from contract.preprocessing import NAMED
from smoke_tests.access import KEY_VARIABLE
from smoke_tests.arrival import TURNED_AWAY_STATUS, UNREACHED_STATUS, Failures, await_arrival, harms
from smoke_tests.client import TritonClient
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import NoAnswerError, OptionError, SmokeTestError, TurnedAwayError
from smoke_tests.model import Model, model_from_server
from smoke_tests.question import Question, questions_from_settings
from smoke_tests.report import BestClasses, classification_table
from smoke_tests.settings import DEFAULT_IMAGE, DEFAULT_PREPROCESSING, QUICK_START, Settings

SETTINGS = pytest.StashKey[Settings]()
BEST_CLASSES = pytest.StashKey[BestClasses]()
FAILURES = pytest.StashKey[Failures]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add = parser.getgroup("smoke tests of a Triton server").addoption
    picture = "FILE|URL#sha256=…"
    add("--url", help="where the server's HTTP API begins: [http[s]://]HOST[:PORT][/BASE]")
    add("--replica-url", action="append", default=[], metavar="URL", help="a replica, asked by itself; repeatable")
    _add_door(parser)
    add("--model", default="densenet_tensorrt", help="the model's name (default: %(default)s)")
    add(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="the repository's manifest.json: its golden scores, preprocessing and batches; without it the model is "
        "asked",
    )
    add(
        "--image",
        action="append",
        metavar=picture,
        help="an expected picture, a URL's fetched once; repeatable with --manifest, which says what further ones are "
        f"(default: {os.path.relpath(DEFAULT_IMAGE)})",
    )
    add("--other-image", metavar=picture, help="a picture of another class")
    add(
        "--preprocessing",
        metavar="NAME|JSON",
        help=f"what the model is asked in: {', '.join(NAMED)}, or an object with resize, scale, mean, std, channels "
        f"(default: the manifest's, or {DEFAULT_PREPROCESSING})",
    )
    add("--inception", action="store_true", help="image_client's preprocessing, -s INCEPTION, must give the class too")
    _add_expectation(parser)
    add("--request-timeout-s", type=float, default=30, metavar="S", help="patience with each answer (default: 30)")
    add(
        "--await-s",
        type=float,
        default=30,
        metavar="S",
        help="patience with a URL that is not reached yet: its name, its load balancer, its route (default: 30)",
    )
    add("--reason-file", type=Path, metavar="FILE", help="write there why the run ended with status 7 or 8")


def _add_door(parser: pytest.Parser) -> None:
    """Declare what is brought to the URL's door, and what that lets in."""
    add = parser.getgroup("smoke tests of a Triton server").addoption
    add(
        "--ca",
        type=Path,
        metavar="FILE",
        help="certificate, in PEM, of the authority that the URL's door is trusted by (default: those of the system)",
    )
    add("--client", metavar="NAME", help=f"as whom the URL's door is asked; the key is in the variable {KEY_VARIABLE}")
    add("--routed", action="store_true", help="the URL is a route that gives health, metadata, config and infer only")
    add("--json-bodies", action="store_true", help="with --routed: the route gives whole requests in JSON too")
    add("--max-body-bytes", type=int, metavar="N", help="the largest body that the URL must accept")


def _add_expectation(parser: pytest.Parser) -> None:
    """Declare what the first --image must be called."""
    add = parser.getgroup("smoke tests of a Triton server").addoption
    add("--expect-class", type=int, metavar="N", help=f"default: the manifest's, or {QUICK_START.class_index}")
    add("--expect-label", metavar="TEXT", help=f"default: the manifest's, or {QUICK_START.label}")
    add("--expect-top", metavar="N,N,…", help="the first classes in their order (default: the manifest's, or none)")
    add("--expect-margin", type=float, metavar="X", help="lead over the next class, in units of a score")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that can't be used, before any test is collected."""
    if config.option.help:
        return
    try:
        config.stash[SETTINGS] = Settings.from_options(config.option)
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[BEST_CLASSES] = {}
    config.stash[FAILURES] = Failures()
    # The schema of xunit2 has no place for what a test measures; pytest writes it all the same.
    config.addinivalue_line("filterwarnings", "ignore:record_property is incompatible:pytest.PytestWarning")
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Await the URL, and end where it is not reached, instead of failing every test for one reason."""
    if session.config.option.collectonly:
        return
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    try:
        await_arrival(session.config.stash[SETTINGS], lambda line: terminal and terminal.write_line(line))
    except NoAnswerError as error:
        pytest.exit(_kept(session.config, str(error)), returncode=UNREACHED_STATUS)
    except TurnedAwayError as error:
        pytest.exit(_kept(session.config, f"turned away at the door: {error}"), returncode=TURNED_AWAY_STATUS)


def _kept(config: pytest.Config, reason: str) -> str:
    """Write a reason to the file that asks for it."""
    if config.option.reason_file:
        config.option.reason_file.write_text(reason, encoding="utf-8")
    return reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Keep what a failed test has met: a door that closes while the tests run is no wrong answer."""
    report = yield
    if report.failed and call.excinfo is not None:
        settings = item.config.stash[SETTINGS]
        callspec = getattr(item, "callspec", None)
        asked = callspec.params.get("endpoint", settings.url) if callspec else settings.url
        item.config.stash[FAILURES].note(call.excinfo.value, asked, settings, harmful=harms(item))
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Put the questions about scores to the URL and to every replica, those about pictures with each picture."""
    settings = metafunc.config.stash[SETTINGS]
    if "endpoint" in metafunc.fixturenames:
        endpoints = settings.endpoints
        metafunc.parametrize("endpoint", endpoints, ids=[endpoint.without_scheme for endpoint in endpoints])
    if "position" in metafunc.fixturenames:
        metafunc.parametrize("position", range(len(settings.images)), ids=[each.name for each in settings.images])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put bad requests last, so that a server that dies of them has been asked everything else."""
    items.sort(key=harms)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Print what the URL called the first picture, as the last of all that is printed."""
    yield
    _print_table(session)
    closed = session.config.stash[FAILURES].status
    if closed is not None and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
        status, reason = closed
        pytest.exit(_kept(session.config, reason), returncode=status)


def _print_table(session: pytest.Session) -> None:
    settings = session.config.stash[SETTINGS]
    classes = session.config.stash[BEST_CLASSES].get((settings.url, settings.images[0].name))
    terminalreporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if classes is None or terminalreporter is None:
        return
    if settings.routed:
        terminalreporter.write_line(str(settings.url))
    for line in classification_table(settings.images[0].name, classes):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """Return what is to be proven, and of whom."""
    return pytestconfig.stash[SETTINGS]


@pytest.fixture(scope="session")
def best_classes(pytestconfig: pytest.Config) -> BestClasses:
    """Return where a test leaves what a server called a picture, for the table."""
    return pytestconfig.stash[BEST_CLASSES]


@pytest.fixture(scope="session")
def model(settings: Settings) -> Model:
    """Return what the model takes and gives: as the manifest promises, or, without one, as the server says."""
    if settings.promised:
        return settings.promised
    try:
        with TritonClient(settings.url, settings.model, timeout_s=settings.timeout_s) as client:
            return model_from_server(client, settings.preprocessing)
    except (SmokeTestError, ContractError) as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def questions(settings: Settings, model: Model) -> tuple[Question, ...]:
    """Return every expected picture, prepared as the model takes it."""
    try:
        return questions_from_settings(settings, model)
    except (SmokeTestError, ContractError) as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def question(questions: tuple[Question, ...]) -> Question:
    """Return the first picture's, which stands for all where any would do."""
    return questions[0]


@pytest.fixture
def each_question(questions: tuple[Question, ...], position: int) -> Question:
    """Return one picture's after the other."""
    return questions[position]


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
