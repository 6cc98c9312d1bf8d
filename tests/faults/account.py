"""What a load was answered, and what that amounts to: pure, so that it can be tested without a server."""

import enum
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise

from smoke_tests.client import Classified
from smoke_tests.wire import Reply


class Verdict(enum.Enum):
    """What an answer is worth: wrong is a 200 that says something else, and the one thing that nobody forgives."""

    RIGHT = enum.auto()
    WRONG = enum.auto()
    FAILED = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Right:
    """The right answer.

    Attributes:
        best: the classes that score highest, best first.
        tolerance: the largest difference of a score that is still right.
    """

    best: tuple[Classified, ...]
    tolerance: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One request's end.

    Attributes:
        at_s: when it ended, on the monotonic clock.
        verdict: what it is worth.
        what: the status or the error of a failed one, what was said in a wrong one; empty for a right one.
    """

    at_s: float
    verdict: Verdict
    what: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a load saw from its start to its end.

    Attributes:
        requests: all that were answered or given up.
        failed: refused, answered by an error, or not answered in time.
        wrong: answered 200, with another class, label or score.
        gap_s: the longest time without a right answer.
        wrong_for_s: from the first wrong answer to the last.
        reasons: how often each reason for not being right was met, most frequent first.
    """

    requests: int
    failed: int
    wrong: int
    gap_s: float
    wrong_for_s: float
    reasons: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        counts = f"{self.requests} requests, {self.failed} failed, {self.wrong} wrong, gap {self.gap_s:.1f} s"
        return "\n  ".join([counts, *(f"{count} x {reason}" for reason, count in self.reasons)])


def answer_from_reply(reply: Reply, right: Right, *, at_s: float) -> Answer:
    """Judge a reply to a request for a classification.

    Args:
        reply: Triton's, or the gateway's in its place.
        right: what it must be.
        at_s: when it came.
    """
    if reply.status != HTTPStatus.OK:
        return Answer(at_s=at_s, verdict=Verdict.FAILED, what=f"status {reply.status}: {reply.reason[:80]}")
    try:
        entries = json.loads(reply.body)["outputs"][0]["data"]
        said = tuple(Classified.from_entry(entry.encode()) for entry in entries)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Answer(at_s=at_s, verdict=Verdict.WRONG, what=f"no classification: {reply.body[:80]!r}")
    if _agree(said, right):
        return Answer(at_s=at_s, verdict=Verdict.RIGHT)
    return Answer(
        at_s=at_s, verdict=Verdict.WRONG, what=f"{said[0].class_index} {said[0].label}" if said else "nothing"
    )


def _agree(said: Sequence[Classified], right: Right) -> bool:
    return len(said) == len(right.best) and all(
        (one.class_index, one.label) == (other.class_index, other.label)
        and abs(one.score - other.score) <= right.tolerance  # which NaN never is
        for one, other in zip(said, right.best, strict=True)
    )


def account_from_answers(answers: Sequence[Answer], *, start_s: float, end_s: float) -> Account:
    """Add up what a load saw.

    Args:
        answers: in any order.
        start_s: when the load began, on the clock of the answers.
        end_s: when it ended.
    """
    right = sorted(answer.at_s for answer in answers if answer.verdict is Verdict.RIGHT)
    wrong = sorted(answer.at_s for answer in answers if answer.verdict is Verdict.WRONG)
    reasons = Counter(answer.what for answer in answers if answer.verdict is not Verdict.RIGHT)
    return Account(
        requests=len(answers),
        failed=sum(answer.verdict is Verdict.FAILED for answer in answers),
        wrong=len(wrong),
        gap_s=max(later - earlier for earlier, later in pairwise([start_s, *right, end_s])),
        wrong_for_s=wrong[-1] - wrong[0] if wrong else 0.0,
        reasons=tuple(reasons.most_common()),
    )
