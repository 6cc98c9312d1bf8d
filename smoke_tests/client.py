"""A Triton server's good answers, over the client library that the quick start uses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import gevent.ssl
import numpy as np
import tritonclient.http as triton
from geventhttpclient.response import HTTPParseError
from numpy.typing import NDArray
from tritonclient.http.auth import BasicAuth
from tritonclient.utils import InferenceServerException

from contract.served import DATATYPE, INPUT_NAME, OUTPUT_NAME
from smoke_tests.access import no_answer_from
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import BadAnswerError, BusyError, NoAnswerError, SmokeTestError, TurnedAwayError
from smoke_tests.patience import patiently
from smoke_tests.wire import BUSY, SERVER_IS_GONE, TURNED_AWAY, Tensor

_Answer = TypeVar("_Answer")

_EMPTY = "client received an empty response from the server."  # the client library's own words


@dataclass(frozen=True, kw_only=True)
class Classified:
    """One entry of a classification, best first: ``score:index:label``."""

    score: float
    class_index: int
    label: str

    @classmethod
    def from_entry(cls, entry: bytes) -> Self:
        """Read Triton's text; a class without a label has an empty one."""
        score, class_index, *label = entry.decode().split(":", 2)
        return cls(score=float(score), class_index=int(class_index), label="".join(label))


class TritonClient:
    """One model on one server, asked with tritonclient over a connection of its own.

    A call that is not answered within ``timeout_s`` of silence, or not at all, raises NoAnswerError; one that is
    answered by an error or by something that Triton would not send raises BadAnswerError. What a gateway says instead
    of the server is no answer; a door that does not open raises TurnedAwayError.
    """

    def __init__(self, endpoint: Endpoint, model: str, *, timeout_s: float) -> None:
        self.endpoint = endpoint
        self.model = model
        self._timeout_s = timeout_s
        self._client = triton.InferenceServerClient(
            endpoint.without_scheme,
            connection_timeout=timeout_s,
            network_timeout=timeout_s,
            ssl=endpoint.scheme == "https",
            # without one it trusts what a package of its own says, not the system
            ssl_context_factory=lambda **_: gevent.ssl.create_default_context(cafile=endpoint.access.authority),
        )
        if endpoint.access.client is not None:
            self._client.register_plugin(BasicAuth(endpoint.access.client, endpoint.access.key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata."""
        return self._answered("metadata", lambda: _dictionary(self._client.get_model_metadata(self.model)))

    def config(self) -> dict[str, Any]:
        """Return the model's configuration as the server completed it."""
        return self._answered("config", lambda: _dictionary(self._client.get_model_config(self.model)))

    def scores(self, tensor: Tensor) -> NDArray[np.float32]:
        """Return the raw scores.

        Args:
            tensor: float32 (channels, height, width), or (N, channels, height, width) for a model with a batch
                dimension.

        Returns:
            float32 (classes,), or (N, classes).
        """
        return np.asarray(self._infer(tensor, triton.InferRequestedOutput(OUTPUT_NAME, binary_data=True)))

    def classify(self, tensor: Tensor, count: int) -> list[Classified]:
        """Return the best ``count`` classes of one picture, best first.

        Args:
            tensor: float32 (channels, height, width), or (1, channels, height, width) for a model with a batch
                dimension.
            count: 1 or more; a model of fewer classes gives them all.
        """
        entries = self._infer(tensor, triton.InferRequestedOutput(OUTPUT_NAME, class_count=count))
        with self._asking("infer"):
            return [Classified.from_entry(entry) for entry in entries.ravel()]

    def _infer(self, tensor: Tensor, output: Any) -> NDArray[Any]:
        described = triton.InferInput(INPUT_NAME, list(tensor.shape), DATATYPE)
        described.set_data_from_numpy(tensor, binary_data=True)

        def answer() -> NDArray[Any]:
            result = self._client.infer(self.model, [described], outputs=[output])
            scores = result.as_numpy(OUTPUT_NAME)
            if not isinstance(scores, np.ndarray):
                raise BadAnswerError(f"infer at {self.endpoint}: no output in {result.get_response()}")
            return scores

        return self._answered("infer", answer)

    def _answered(self, what: str, call: Callable[[], _Answer]) -> _Answer:
        """Ask with the client library; a door that has had enough is asked again."""

        def asked() -> _Answer:
            with self._asking(what):
                return call()

        return patiently(asked)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Name the server and the request in whatever the client library raises."""
        try:
            yield
        except TimeoutError:
            silence = f"no answer within {self._timeout_s:g} s"
            raise NoAnswerError(f"{what} at {self.endpoint}: {silence}") from None
        except (OSError, HTTPParseError) as error:
            raise no_answer_from(error, f"{what} at {self.endpoint}") from None
        except InferenceServerException as error:
            raise _error_from_status(error, f"{what} at {self.endpoint}") from None
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # What the client library stumbles with over an answer that is none of Triton's.
            stumble = f"{type(error).__name__}: {error}"
            raise BadAnswerError(f"{what} at {self.endpoint}: no answer of Triton's ({stumble})") from None


def _error_from_status(error: InferenceServerException, asked: str) -> SmokeTestError:
    """Say whose words an error status is: the client library takes Triton's text out of its JSON, and no other's."""
    status = error.status() or ""
    if status in map(str, TURNED_AWAY):
        return (BusyError if status == str(BUSY) else TurnedAwayError)(f"{asked}: status {status}")
    is_tritons = error.debug_details() is None and error.message() != _EMPTY
    if status in map(str, SERVER_IS_GONE) and not is_tritons:
        return NoAnswerError(f"{asked}: status {status} of a gateway")
    return BadAnswerError(f"{asked}: {error}")


def _dictionary(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise TypeError(f"not a JSON object: {document!r}")
    return document
