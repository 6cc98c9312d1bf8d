import json
from typing import Any

import pytest

from smoke_tests.client import Classified
from smoke_tests.wire import Reply
from tests.faults.account import Account, Answer, Right, Verdict, account_from_answers, answer_from_reply

RIGHT = Right(
    best=(
        Classified(score=15.7, class_index=504, label="COFFEE MUG"),
        Classified(score=10.8, class_index=968, label="CUP"),
    ),
    tolerance=0.01,
)


def reply(*entries: str, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps({"outputs": [{"data": entries}]}).encode())


def answered(*ends: tuple[float, Verdict]) -> Account:
    answers = [Answer(at_s=at_s, verdict=verdict, what=verdict.name) for at_s, verdict in ends]
    return account_from_answers(answers, start_s=0, end_s=10)


@pytest.mark.parametrize(
    "entries",
    [
        ("15.700000:504:COFFEE MUG", "10.800000:968:CUP"),
        ("15.709000:504:COFFEE MUG", "10.791000:968:CUP"),
    ],
)
def test_within_the_tolerance_it_is_right(entries: tuple[str, ...]) -> None:
    assert answer_from_reply(reply(*entries), RIGHT, at_s=1) == Answer(at_s=1, verdict=Verdict.RIGHT)


@pytest.mark.parametrize(
    "entries",
    [
        ("15.711000:504:COFFEE MUG", "10.800000:968:CUP"),
        ("nan:504:COFFEE MUG", "10.800000:968:CUP"),
        ("15.700000:505:COFFEE MUG", "10.800000:968:CUP"),
        ("15.700000:504:COFFEE MUG", "10.800000:968:COFFEEPOT"),
        ("15.700000:504:COFFEE MUG",),
        (),
    ],
)
def test_another_score_class_or_label_is_wrong(entries: tuple[str, ...]) -> None:
    assert answer_from_reply(reply(*entries), RIGHT, at_s=1).verdict is Verdict.WRONG


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b'{"outputs": []}', b'{"outputs": [{"data": [1]}]}'])
def test_a_200_that_is_no_classification_is_wrong(body: bytes) -> None:
    assert answer_from_reply(Reply(status=200, body=body), RIGHT, at_s=1).verdict is Verdict.WRONG


def test_an_error_is_a_failure_with_its_reason() -> None:
    answer = answer_from_reply(Reply(status=503, body=b"no available server"), RIGHT, at_s=1)

    assert answer == Answer(at_s=1, verdict=Verdict.FAILED, what="status 503: no available server")


def test_the_account_counts_each_kind() -> None:
    account = answered((1, Verdict.RIGHT), (2, Verdict.FAILED), (3, Verdict.WRONG), (4, Verdict.FAILED))

    assert (account.requests, account.failed, account.wrong) == (4, 2, 1)
    assert account.reasons == (("FAILED", 2), ("WRONG", 1))


@pytest.mark.parametrize(
    ("ends", "gap_s"),
    [
        ([], 10),
        ([(4, Verdict.FAILED), (6, Verdict.WRONG)], 10),
        ([(1, Verdict.RIGHT), (2, Verdict.RIGHT)], 8),
        ([(7, Verdict.RIGHT), (9, Verdict.RIGHT)], 7),
        ([(9, Verdict.RIGHT), (3, Verdict.RIGHT), (5, Verdict.FAILED)], 6),
    ],
)
def test_the_gap_is_the_longest_time_without_a_right_answer(ends: list[Any], gap_s: float) -> None:
    assert answered(*ends).gap_s == gap_s


@pytest.mark.parametrize(
    ("ends", "wrong_for_s"),
    [([(1, Verdict.RIGHT)], 0), ([(3, Verdict.WRONG)], 0), ([(8, Verdict.WRONG), (2, Verdict.WRONG)], 6)],
)
def test_wrong_answers_last_from_the_first_to_the_last(ends: list[Any], wrong_for_s: float) -> None:
    assert answered(*ends).wrong_for_s == wrong_for_s
