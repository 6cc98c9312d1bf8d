"""What a gateway answers where no route of the model leads: others may route all the rest through it, too."""

from smoke_tests.endpoint import Endpoint
from smoke_tests.settings import Settings
from smoke_tests.wire import Message, Reply, exchange

_NOBODYS = "/v2/nobody-serves-this"


def asked_anything(endpoint: Endpoint, method: str, path: str, *, timeout_s: float) -> Reply:
    """Return what a request without a meaning gets."""
    message = Message(body=b"{}", headers={"Content-Type": "application/json"}) if method == "POST" else None
    return exchange(endpoint, method, path, message, timeout_s=timeout_s)


def is_of_nobody(reply: Reply, settings: Settings, method: str) -> bool:
    """Whether an answer is, to the byte, the one that a path gets which no server of models knows."""
    nobodys = asked_anything(settings.url, method, _NOBODYS, timeout_s=settings.timeout_s)
    return (reply.status, reply.body) == (nobodys.status, nobodys.body) and not reply.is_tritons
