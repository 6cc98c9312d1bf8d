import pytest

from gate.evidence.document import Subject
from gate.evidence.record import Record


def record() -> Record:
    subject = Subject(commit="", stack="prod", namespace="prod", plan_id="", model_name="")
    return Record(stack="prod", action="deploy", candidate=subject)


def test_what_is_unknown_has_neither_passed_nor_failed() -> None:
    made = record()

    with made.check("nodes and GPUs") as unknown:
        unknown += ["unknown: this", "unknown: that"]

    (check,) = made.before
    assert (check.outcome, check.message) == ("skipped", "unknown: this\nunknown: that")


def test_a_check_passes_that_says_nothing() -> None:
    made = record()

    with made.check("nodes and GPUs"):
        pass

    (check,) = made.before
    assert (check.outcome, check.message) == ("passed", "")


def test_the_error_that_ends_a_check_is_its_message() -> None:
    made = record()

    with pytest.raises(ValueError, match="invalid literal"), made.check("nodes and GPUs"):
        int("no node")

    (check,) = made.before
    assert (check.outcome, check.message) == ("failed", "invalid literal for int() with base 10: 'no node'")
