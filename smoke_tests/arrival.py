"""Whether a URL is reached at all, which says nothing yet of what serves behind it.

Not reached, turned away and wrong are three things. A load balancer takes minutes to get its name and its address, a
gateway answers by itself until its route is programmed, and another certificate than the URL's is a gateway's own until
the URL's is there: that is awaited. Who is turned away at the door has met a door, and no model. Only what a server
says by itself is an answer that can be wrong.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import NoAnswerError, SmokeTestError, TurnedAwayError, UntrustedError
from smoke_tests.settings import Settings
from smoke_tests.wire import Reply, any_reply, exchange

UNREACHED_STATUS = 7
TURNED_AWAY_STATUS = 8

_UNAUTHORIZED = 401
_NOT_FOUND = 404
_BAD_REQUEST = 400
_LOOK_S = 1.0
_CHANGE_S = 15.0


def await_arrival(settings: Settings, say: Callable[[str], None]) -> None:
    """Ask the URL, then each replica, until a server answers, for as long as the options say.

    Args:
        settings: whom to ask, and for how long.
        say: told what is waited for, whenever the reason is another.

    Raises:
        NoAnswerError: the time is over; has the last reason.
        TurnedAwayError: at once.
    """
    deadline = time.monotonic() + settings.await_s
    for endpoint in settings.endpoints:
        _await(endpoint, "/v2/health/live", settings, deadline, say)
        if endpoint == settings.url:
            with contextlib.suppress(NoAnswerError):  # whether the model is behind the door is what comes next
                _await_keys(settings)
        # an old route may lead to the server already
        _await(endpoint, f"/v2/models/{settings.model}/ready", settings, deadline, say)


def _await(endpoint: Endpoint, path: str, settings: Settings, deadline: float, say: Callable[[str], None]) -> None:
    told = ""
    while True:
        try:
            _require_arrival(endpoint, path, settings)
        except NoAnswerError as error:
            if time.monotonic() >= deadline:
                raise NoAnswerError(
                    f"{endpoint} was not reached within {settings.await_s:g} s: {error}; correct the URL, or what "
                    "stands between it and the server, or wait longer: --await-s, for a stack endpoint.timeoutS"
                ) from None
            if told != str(error):
                told = str(error)
                say(f"waiting for {endpoint}: {error}")
            threading.Event().wait(min(_LOOK_S, max(0.0, deadline - time.monotonic())))
        else:
            return


def _require_arrival(endpoint: Endpoint, path: str, settings: Settings) -> None:
    """Ask once."""
    reply = exchange(endpoint, "GET", path, timeout_s=settings.timeout_s)
    asked = f"GET {endpoint}{path}: status {reply.status}"
    if reply.status == _BAD_REQUEST and "HTTPS" in reply.reason and not reply.is_tritons:
        raise NoAnswerError(f"{asked} of a port of HTTPS{_shown(reply)}; accepted: https://…")
    if reply.status == _NOT_FOUND and not reply.is_tritons:
        raise NoAnswerError(f"{asked} of a gateway that has no such route{_shown(reply)}")
    if reply.is_redirect:
        raise TurnedAwayError(f"{asked}, which sends elsewhere: {reply.location or 'it does not say where'}")


def _await_keys(settings: Settings) -> None:
    """Let the gateway take up a change of keys, for seconds: until then it knows another key, or asks for none.

    Raises:
        TurnedAwayError: it does not know the client.
    """
    path = f"/v2/models/{settings.model}"
    stranger = replace(settings.url, access=settings.url.access.without_key())
    deadline = time.monotonic() + min(_CHANGE_S, settings.await_s)

    def status_of(endpoint: Endpoint) -> int:
        return any_reply(endpoint, "GET", path, timeout_s=settings.timeout_s).status

    while time.monotonic() < deadline:
        is_open = settings.url.access.client is not None and status_of(stranger) != _UNAUTHORIZED
        if not is_open and status_of(settings.url) != _UNAUTHORIZED:
            return
        threading.Event().wait(_LOOK_S)
    if status_of(settings.url) == _UNAUTHORIZED:
        exchange(settings.url, "GET", path, timeout_s=settings.timeout_s)


def _shown(reply: Reply) -> str:
    return f": {reply.reason.splitlines()[0][:200]}" if reply.reason else ""


@dataclass
class Failures:
    """What the tests that failed have met, so that a door is not taken for a wrong answer.

    Attributes:
        turned_away: why the door did not open, each time that it did not.
        unanswered: what was not answered at the URL, and what that means.
        wrong: whether anything else failed.
    """

    turned_away: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    wrong: bool = False

    def note(self, error: BaseException, asked: Endpoint, settings: Settings, *, harmful: bool) -> None:
        """Keep a test's error.

        Args:
            error: that ended it; what a fixture has said in its own words has the cause as its context.
            asked: by the test.
            settings: whether there are replicas, whose right answers say that a silent URL is the door's fault.
            harmful: whether the test may have ended the server.
        """
        cause = error if isinstance(error, SmokeTestError) else error.__context__
        if isinstance(cause, TurnedAwayError):
            self.turned_away.append(str(cause))
        elif isinstance(cause, UntrustedError):
            self.unanswered.append(f"the URL was reached, and then another answered: {cause}")
        elif isinstance(cause, NoAnswerError) and settings.replicas and asked == settings.url and not harmful:
            self.unanswered.append(f"the URL was reached and then lost, and each replica is right: {cause}")
        else:
            self.wrong = True

    @property
    def status(self) -> tuple[int, str] | None:
        """The exit status and its reason where nothing was wrong but the way; None where something else failed."""
        if self.wrong or not (self.turned_away or self.unanswered):
            return None
        if self.turned_away:
            return TURNED_AWAY_STATUS, f"turned away at the door: {self.turned_away[0]}"
        return UNREACHED_STATUS, self.unanswered[0]


def harms(item: pytest.Item) -> bool:
    """Whether a test sends what may end a server that is not sound."""
    return item.path.stem in {"test_bad_requests", "test_door"}
