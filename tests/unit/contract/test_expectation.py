import pytest

from contract.expectation import Expectation, expectation_from_fields, reasons_against, table
from contract.fields import Fields

SCORES = [0.5, 9.25, 8.0, -1.0]


def reasons(expectation: Expectation, scores: list[float] = SCORES) -> list[str]:
    return list(reasons_against(scores, expectation))


@pytest.mark.parametrize(
    "expectation",
    [
        Expectation(1),
        Expectation(1, top=(1,)),
        Expectation(1, top=(1, 2, 0, 3)),
        Expectation(1, margin=1.25),
        Expectation(1, label="whatever", top=(1, 2), margin=1),
    ],
)
def test_what_is_as_expected_gives_no_reason(expectation: Expectation) -> None:
    assert reasons(expectation) == []


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (Expectation(2), ["first: class 1, expected 2"]),
        (Expectation(2, top=(2, 1), margin=5), ["first: class 1, expected 2"]),
        (Expectation(1, top=(1, 0)), ["top: classes [1, 2], expected [1, 0]"]),
        (Expectation(1, margin=1.3), ["margin: class 1 leads class 2 by 1.25, expected 1.3 or more"]),
        (
            Expectation(1, top=(1, 0), margin=2),
            [
                "top: classes [1, 2], expected [1, 0]",
                "margin: class 1 leads class 2 by 1.25, expected 2 or more",
            ],
        ),
    ],
)
def test_every_reason_is_told(expectation: Expectation, said: list[str]) -> None:
    assert reasons(expectation) == said


def test_a_tie_is_won_by_the_earlier_class_and_has_no_margin() -> None:
    assert reasons(Expectation(0), [1.0, 1.0]) == []
    assert reasons(Expectation(1), [1.0, 1.0]) == ["first: class 0, expected 1"]
    assert reasons(Expectation(0, margin=0.1), [1.0, 1.0]) == [
        "margin: class 0 leads class 1 by 0, expected 0.1 or more"
    ]


def test_a_single_class_leads_nobody() -> None:
    assert reasons(Expectation(0), [1.0]) == []
    assert reasons(Expectation(0, margin=1), [1.0]) == []


@pytest.mark.parametrize(
    ("expectation", "fault"),
    [
        (Expectation(4), ("class", 4, "a class, 0 to 3")),
        (Expectation(1, top=(1, 4)), ("top", [1, 4], "a class, 0 to 3")),
        (Expectation(1, top=(1, 2, 1)), ("top", [1, 2, 1], "each class once")),
        (Expectation(1, top=(2, 1)), ("top", [2, 1], "a list that begins with the expected class, 1")),
        (Expectation(1, top=(1, 2, 3, 0, 4)), ("top", [1, 2, 3, 0, 4], "at most 4 classes, as many as the model has")),
    ],
)
def test_what_does_not_fit_the_model_is_named(expectation: Expectation, fault: tuple[str, object, str]) -> None:
    assert list(expectation.faults(4)) == [fault]


def test_a_class_and_a_top_that_do_not_fit_are_both_named() -> None:
    assert [key for key, _, _ in Expectation(9, top=(8,)).faults(4)] == ["class", "top"]


def test_an_expectation_that_fits_has_no_fault() -> None:
    assert list(Expectation(3, top=(3, 0, 1, 2)).faults(4)) == []
    assert list(Expectation(3).faults(4)) == []


@pytest.mark.parametrize("expectation", [Expectation(1), Expectation(1, label="MUG", top=(1, 2), margin=0.5)])
def test_a_document_is_read_as_it_was_written(expectation: Expectation) -> None:
    fields = Fields(expectation.document())
    assert expectation_from_fields(fields) == expectation
    fields.end()
    assert fields.faults == []


def test_every_fault_of_a_document_is_told() -> None:
    fields = Fields({"class": -1, "label": 7, "top": [1, True], "margin": -0.5}, path="expect.0.")
    expectation_from_fields(fields)
    assert fields.faults == [
        "expect.0.class is -1; accepted: a whole number, 0 or more",
        "expect.0.label is 7; accepted: a text, or null",
        "expect.0.top is [1, true]; accepted: a list of whole numbers, 0 or more",
        "expect.0.margin is -0.5; accepted: a number, 0 or more",
    ]


def test_the_table_is_the_quick_starts() -> None:
    labels = ["TENCH", "MUG", "CUP", "POT"]
    assert table(SCORES, labels) == "9.250000 (1) = MUG, 8.000000 (2) = CUP, 0.500000 (0) = TENCH"
    assert table([2.0], ["ONE"]) == "2.000000 (0) = ONE"
