"""A door with keys opens to its clients alone (with ``--client``), and one with a certificate speaks no plain HTTP."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from smoke_tests.access import Access
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import NoAnswerError
from smoke_tests.question import Question
from smoke_tests.settings import Settings
from smoke_tests.wire import Message, any_reply, binary_message

KEPT = ["GET", "GET /ready", "GET /config", "POST /infer"]
HEALTH = ["/v2/health/live", "/v2/health/ready"]
WITHOUT_A_KEY: dict[str, Callable[[Access], Access]] = {
    "nothing": Access.without_key,
    "another_key": lambda access: access.with_key(f"{access.key}x"),
    "the_empty_key": lambda access: access.with_key(""),
    "another_client": lambda access: replace(access, client=f"{access.client}x"),
}


@pytest.fixture
def door(settings: Settings) -> Endpoint:
    """Return a URL whose door wants a key."""
    if settings.url.access.client is None:
        pytest.skip("no --client, so no key that the door wants")
    return settings.url


@pytest.mark.parametrize("brought", WITHOUT_A_KEY)
@pytest.mark.parametrize("kept", KEPT)
def test_request_without_the_key_is_turned_away(
    kept: str, brought: str, door: Endpoint, question: Question, settings: Settings
) -> None:
    """Whatever is the model's: 401, what is wanted instead, and not a word of the server's."""
    stranger = replace(door, access=WITHOUT_A_KEY[brought](door.access))
    method, _, path = kept.partition(" ")
    message: Message | None = binary_message(question.tensor) if method == "POST" else None
    reply = any_reply(stranger, method, f"/v2/models/{settings.model}{path}", message, timeout_s=settings.timeout_s)
    assert reply.status == 401, reply.body[:200]
    assert reply.headers.get("www-authenticate", "").startswith("Basic "), reply.headers
    assert not reply.is_tritons, reply.body[:200]


@pytest.mark.parametrize("path", HEALTH)
def test_health_is_told_without_a_key(path: str, door: Endpoint, settings: Settings) -> None:
    """Load balancers and monitors have none."""
    stranger = replace(door, access=door.access.without_key())
    reply = any_reply(stranger, "GET", path, timeout_s=settings.timeout_s)
    assert reply.status == 200, reply.body[:200]


@pytest.mark.parametrize("path", HEALTH)
def test_plain_http_is_not_answered(path: str, settings: Settings) -> None:
    """The port of HTTPS refuses plain HTTP, or sends it elsewhere; a key that was sent so would be everybody's."""
    if settings.url.scheme != "https":
        pytest.skip("the URL is no https:// one")
    plain = replace(settings.url, scheme="http", access=Access())
    try:
        reply = any_reply(plain, "GET", path, timeout_s=settings.timeout_s)
    except NoAnswerError:
        return
    assert reply.status >= 300, f"{plain}: {reply.body[:200]!r}"
