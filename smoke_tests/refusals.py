"""What a refusal must be, and what must hold after one."""

from smoke_tests.client import TritonClient
from smoke_tests.question import Question
from smoke_tests.settings import Settings
from smoke_tests.wire import SERVER_IS_GONE, Message, Reply, exchange


def infer(settings: Settings, message: Message, model: str | None = None) -> Reply:
    """Send the message to the URL's infer."""
    path = f"/v2/models/{model or settings.model}/infer"
    return exchange(settings.url, "POST", path, message, timeout_s=settings.timeout_s)


def assert_refused(reply: Reply) -> None:
    """Compare an answer with what a client needs to mend its request."""
    assert reply.status >= 400, reply.body[:200]
    assert reply.status not in SERVER_IS_GONE, reply.reason  # that is no refusal, it is a crash
    assert reply.reason, f"status {reply.status} without a reason"


def assert_still_serves(client: TritonClient, question: Question) -> None:
    """Ask for the expected picture once more."""
    (top,) = client.classify(question.tensor, 1)
    assert top.class_index == question.expectation.class_index, top
