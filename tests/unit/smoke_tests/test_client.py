from collections.abc import Iterator

import numpy as np
import pytest

from smoke_tests.client import Classified, TritonClient
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import BadAnswerError, NoAnswerError, SmokeTestError, TurnedAwayError
from tests.unit.smoke_tests.stand_in import INFER, MODEL, Reply, StandIn, json_reply, serving

IMAGE = np.zeros((3, 224, 224), np.float32)


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[TritonClient]:
    with (
        serving(stand_in) as url,
        TritonClient(Endpoint.from_url(url), MODEL, timeout_s=0.5) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("entry", "score", "class_index", "label"),
    [
        (b"15.346230:504:COFFEE MUG", 15.34623, 504, "COFFEE MUG"),
        (b"-0.500000:0:A:B", -0.5, 0, "A:B"),
        (b"1.000000:7", 1.0, 7, ""),
    ],
)
def test_entry_is_score_index_label(entry: bytes, score: float, class_index: int, label: str) -> None:
    assert Classified.from_entry(entry) == Classified(score=score, class_index=class_index, label=label)


def test_scores_are_the_raw_ones(client: TritonClient, stand_in: StandIn) -> None:
    scores = client.scores(IMAGE)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, stand_in.scores_of(IMAGE))


def test_classes_come_best_first_and_as_many_as_asked(client: TritonClient, stand_in: StandIn) -> None:
    best, second = client.classify(IMAGE, 2)
    assert (best.class_index, best.label, best.score) == (722, "LABEL 722", 12)
    assert second.class_index == int(np.argsort(stand_in.scores_of(IMAGE))[-2])


def test_metadata_and_config_are_read(client: TritonClient, stand_in: StandIn) -> None:
    assert client.metadata() == stand_in.metadata
    assert client.config() == stand_in.config


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html></html>"),
        Reply(b""),
        Reply(b"[]", 500),
        json_reply({"error": "no such shape"}, 400),
        json_reply({"outputs": []}),
        json_reply({"outputs": [{"name": "output", "datatype": "FP32", "shape": [2], "data": [1, 2, 3]}]}),
        json_reply([]),
    ],
)
def test_what_is_no_answer_of_tritons_is_one_named_error(reply: Reply, client: TritonClient, stand_in: StandIn) -> None:
    stand_in.replies[INFER] = reply
    with pytest.raises(BadAnswerError, match=r"^infer at http://127\.0\.0\.1:\d+: "):
        client.scores(IMAGE)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(b"Bad Gateway", 502), NoAnswerError),
        (Reply(b"", 503), NoAnswerError),
        (json_reply({"error": "not ready"}, 503), BadAnswerError),
        (Reply(b"", 401), TurnedAwayError),
        (json_reply({"error": "who are you"}, 403), TurnedAwayError),
    ],
)
def test_whose_words_an_error_is(
    reply: Reply, error: type[SmokeTestError], client: TritonClient, stand_in: StandIn
) -> None:
    stand_in.replies[INFER] = reply
    with pytest.raises(error, match=rf"^infer at http://127\.0\.0\.1:\d+: .*{reply.status}"):
        client.scores(IMAGE)


def test_classes_that_are_not_classified_are_refused(client: TritonClient, stand_in: StandIn) -> None:
    stand_in.entries = lambda _, labels: labels
    with pytest.raises(BadAnswerError, match=r"^infer at "):
        client.classify(IMAGE, 1)


def test_page_instead_of_metadata_is_one_named_error(client: TritonClient, stand_in: StandIn) -> None:
    stand_in.replies[f"/v2/models/{MODEL}"] = Reply(b"<html></html>")
    with pytest.raises(BadAnswerError, match=r"^metadata at "):
        client.metadata()


def test_silence_is_no_answer(client: TritonClient, stand_in: StandIn) -> None:
    stand_in.silent.add(INFER)
    with pytest.raises(NoAnswerError, match=r"^infer at .+: no answer within 0\.5 s$"):
        client.scores(IMAGE)


def test_nobody_there_is_no_answer() -> None:
    with (
        TritonClient(Endpoint.from_url("127.0.0.1:1"), MODEL, timeout_s=1) as client,
        pytest.raises(NoAnswerError, match="Connection refused"),
    ):
        client.config()
