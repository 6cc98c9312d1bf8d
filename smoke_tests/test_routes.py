"""What a route does not give can't be reached through it (with ``--routed``)."""

import pytest

from smoke_tests.nobody import asked_anything, is_of_nobody
from smoke_tests.settings import Settings
from smoke_tests.wire import Reply

UNROUTED = [
    ("GET", "/v2"),
    ("GET", "/metrics"),
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/no_{model}/load"),
    ("POST", "/v2/repository/models/no_{model}/unload"),
    ("GET", "/v2/models/stats"),
    ("GET", "/v2/models/{model}/stats"),
    ("GET", "/v2/models/{model}/trace/setting"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/logging"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/any/register"),
    ("POST", "/v2/models/{model}/generate"),
    ("POST", "/v2/models/{model}/config"),
    ("POST", "/v2/models/{model}"),
    ("GET", "/v2/models/{model}/infer"),
]
DETOURS = [
    ("POST", "/v2/models/{model}/../../repository/index"),
    ("POST", "/v2/models/{model}/infer/../../../repository/index"),
    ("POST", "/v2/models/{model}/%2e%2e/%2e%2e/repository/index"),
    ("POST", "/v2/models/{model}/infer%2f..%2f..%2f..%2frepository%2findex"),
    ("GET", "/v2/models/{model}/config/../stats"),
    ("GET", "/v2/health/live/../../logging"),
    ("POST", "//v2/repository/index"),
]


@pytest.fixture(autouse=True)
def _routed(settings: Settings) -> None:
    if not settings.routed:
        pytest.skip("without --routed the server's whole API may be reached")


@pytest.mark.parametrize(("method", "path"), UNROUTED)
def test_path_is_not_routed(method: str, path: str, settings: Settings) -> None:
    """The repository, statistics, traces, logs, shared memory and whatever writes are nobody's business."""
    reply = reply_to(settings, method, path)
    assert reply.status in {404, 405} or is_of_nobody(reply, settings, method), f"{method} {settings.url}{path}"


@pytest.mark.parametrize(("method", "path"), DETOURS)
def test_path_is_not_reached_by_a_detour(method: str, path: str, settings: Settings) -> None:
    """A path that another spelling leads to is not routed either."""
    reply = reply_to(settings, method, path)
    assert reply.status in {400, 404, 405} or is_of_nobody(reply, settings, method), f"{method} {settings.url}{path}"


def reply_to(settings: Settings, method: str, path: str) -> Reply:
    """Return what a request gets at the URL."""
    return asked_anything(settings.url, method, path.format(model=settings.model), timeout_s=settings.timeout_s)
