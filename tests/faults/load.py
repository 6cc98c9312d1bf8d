"""A load: a few clients that send the mug to a stack's URL, at a bounded rate, for as long as a fault lasts."""

import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from contract.comparison import ranked, spread_of
from contract.manifest import Manifest
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import Preprocessing
from contract.served import INPUT_NAME, OUTPUT_NAME, TensorSpec
from smoke_tests.client import Classified
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import NoAnswerError, TurnedAwayError
from smoke_tests.wire import HEADER_LENGTH, Message, Tensor, exchange
from tests.faults.account import Account, Answer, Right, Verdict, account_from_answers, answer_from_reply

BEST = 3
"""How many classes are asked for, each with its score and its label."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
PATIENCE_S = 10
_CLIENTS = 4
_LIMIT_S = 1200


class Load:
    """A load that runs while its context lasts, but no longer than 20 minutes.

    Each request has a connection of its own. A client that waits for an answer sends nothing meanwhile, so never
    more than four requests are under way; what fell due then is left out, not made up for.

    Args:
        url: of the stack, on this machine's loopback.
        model: the name to ask for.
        right: what every answer must be.
        tensor: the mug as the model takes it.
        rate_per_s: requests a second, of all clients together.

    Attributes:
        path: that they ask, after the URL.
        message: what they ask.
    """

    def __init__(self, url: str, model: str, right: Right, tensor: Tensor, *, rate_per_s: float) -> None:
        self._endpoint = Endpoint.from_url(url)
        if self._endpoint.host not in _LOOPBACK:
            raise ValueError(f"{url}: a load is for this machine alone")
        self.path = f"/v2/models/{model}/infer"
        self._right = right
        self.message = classification_message(tensor)
        self._interval_s = _CLIENTS / rate_per_s
        self._answers: list[Answer] = []
        self._ending = threading.Event()
        self._clients = [threading.Thread(target=self._ask, args=(number,)) for number in range(_CLIENTS)]

    def __enter__(self) -> Self:
        self._start_s = time.monotonic()
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for client in self._clients:
            client.join()
        self._end_s = time.monotonic()

    @property
    def right_answers(self) -> int:
        """How many answers were right up to now."""
        return sum(answer.verdict is Verdict.RIGHT for answer in tuple(self._answers))

    def account(self) -> Account:
        """Return what it saw; to be asked when the context has ended."""
        return account_from_answers(self._answers, start_s=self._start_s, end_s=self._end_s)

    def _ask(self, client: int) -> None:
        due_s = self._start_s + client * self._interval_s / _CLIENTS
        while not self._ending.wait(max(0.0, due_s - time.monotonic())) and due_s < self._start_s + _LIMIT_S:
            self._answers.append(self._answer())
            missed = max(0.0, time.monotonic() - due_s) // self._interval_s
            due_s += (missed + 1) * self._interval_s

    def _answer(self) -> Answer:
        try:
            reply = exchange(self._endpoint, "POST", self.path, self.message, timeout_s=PATIENCE_S)
        except (NoAnswerError, TurnedAwayError) as error:
            return Answer(at_s=time.monotonic(), verdict=Verdict.FAILED, what=str(error).rpartition(": ")[2])
        return answer_from_reply(reply, self._right, at_s=time.monotonic())


def classification_message(tensor: Tensor) -> Message:
    """Return a request for the best classes of an image, with the image in binary and the answer in JSON."""
    given = TensorSpec(INPUT_NAME, tensor.shape).document() | {"parameters": {"binary_data_size": tensor.nbytes}}
    wanted = {"name": OUTPUT_NAME, "parameters": {"classification": BEST, "binary_data": False}}
    header = json.dumps({"inputs": [given], "outputs": [wanted]}).encode()
    return Message(body=header + tensor.tobytes(), headers={HEADER_LENGTH: str(len(header))})


def tensor_from_file(picture: Path, preprocessing: Preprocessing) -> Tensor:
    """Prepare a picture as a model takes it, float32 (C,H,W)."""
    return tensor_from_picture(picture_from_bytes(picture.read_bytes(), name=picture.name), preprocessing)


def right_from_manifest(manifest: Manifest, labels: list[str]) -> Right:
    """Read off a manifest what the right answer is.

    Args:
        manifest: of the plan that serves, whose golden scores are there.
        labels: one for each class.
    """
    scores = manifest.golden.pictures[0].scores
    assert scores is not None
    best = ranked(scores)[:BEST]
    return Right(
        best=tuple(Classified(score=scores[index], class_index=index, label=labels[index]) for index in best),
        tolerance=manifest.golden.tolerance.largest * spread_of(scores),
    )
