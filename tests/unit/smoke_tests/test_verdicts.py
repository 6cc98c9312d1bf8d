"""The smoke tests fail when they must: each fault here is one that a deployment can have."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.smoke_tests.doors import UNBOUNDED, WRONG, Door, shut
from tests.unit.smoke_tests.faults import (
    ONE_THING_WRONG,
    TOLERANCE,
    WRONG_ALL_OVER,
    lead_too_small,
    score_wrong_by_a_little,
    second_and_third_swapped,
    with_another_score,
)
from tests.unit.smoke_tests.judging import (
    Inputs,
    figures_in,
    good_stand_in,
    verdict,
    verdict_of_a_process,
    verdict_without_promises,
)
from tests.unit.smoke_tests.stand_in import INFER, RefusalError, Reply, StandIn, ranked_scores, serving


def test_right_server_passes_and_its_table_is_printed(inputs: Inputs) -> None:
    with serving(good_stand_in(door=shut)) as url:
        got = verdict_of_a_process(url, inputs, "--routed", "--inception")
    assert (got.status, got.failed) == (0, set()), got.output
    table = [
        url,
        f"Image '{inputs.folder}/mug.png':",
        "    12.000000 (504) = COFFEE MUG",
        "    10.000000 (968) = LABEL 968",
        "     8.000000 (505) = LABEL 505",
    ]
    assert got.output.splitlines()[-len(table) :] == table


def test_wrong_server_fails_as_a_process_too(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    score_wrong_by_a_little(stand_in)
    with serving(stand_in) as url:
        got = verdict_of_a_process(url, inputs)
    assert (got.status, got.failed) == (1, {"test_every_score_is_the_golden"}), got.output
    figures = figures_in(inputs.folder / "report.xml", url)
    assert figures["test_every_score_is_the_golden"] == {
        "max_difference_spreads": pytest.approx(TOLERANCE.largest * 1.1, rel=1e-3),
        "cosine": pytest.approx(1, abs=1e-5),
        "top5_overlap": 5,
        "expected_class_score": 12,
        "expected_class_golden": 12,
        "tolerance_spreads": 0.01,
        "tolerance_cosine": 0.9999,
    }
    assert figures["test_expected_class_is_on_top"] == {"top_class": 504, "top_score": 12}
    latencies = figures["test_every_request_gets_the_answer"]
    assert 0 < latencies["latency_min_ms"] <= latencies["latency_median_ms"] <= latencies["latency_max_ms"]


def test_score_just_within_the_tolerance_passes(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    stand_in.spoilt = lambda row: with_another_score(row, 0.9)
    with serving(stand_in) as url:
        assert verdict(url, inputs).status == 0


@pytest.mark.parametrize("fault", ONE_THING_WRONG, ids=lambda fault: fault.__name__)
def test_fault_fails_the_tests_that_are_for_it(fault: Callable[[StandIn], None], inputs: Inputs) -> None:
    stand_in = good_stand_in()
    fault(stand_in)
    with serving(stand_in) as url:
        got = verdict(url, inputs, "--routed", "--json-bodies", "--inception")
    assert (got.status, got.failed) == (1, ONE_THING_WRONG[fault]), got.output


@pytest.mark.parametrize("fault", WRONG_ALL_OVER, ids=lambda fault: fault.__name__)
def test_fault_fails_at_least(fault: Callable[[StandIn], None], inputs: Inputs) -> None:
    stand_in = good_stand_in()
    fault(stand_in)
    with serving(stand_in) as url:
        got = verdict(url, inputs)
    assert got.status == 1, got.output
    assert got.failed >= WRONG_ALL_OVER[fault], got.output


@pytest.mark.parametrize("door", WRONG, ids=lambda door: door.__name__)
def test_door_with_a_gap_is_found(door: Door, inputs: Inputs) -> None:
    with serving(good_stand_in(door=door)) as url:
        got = verdict(url, inputs, "--routed", "-k", "test_door")
    assert (got.status, got.failed) == (1, WRONG[door]), got.output


def test_no_door_is_found_where_one_should_be_and_not_asked_for_where_none_need_be(inputs: Inputs) -> None:
    with serving(good_stand_in()) as url:
        got = verdict(url, inputs, "--routed", "-k", "test_door or json_request")
        assert got.failed == {UNBOUNDED, "test_a_body_where_none_belongs_is_refused"}, got.output
        for more in (["--routed", "--json-bodies"], []):
            assert verdict(url, inputs, *more, "-k", "test_door or json_request").status == 0


def test_a_door_that_nobody_has_announced_may_bound_json(inputs: Inputs) -> None:
    with serving(good_stand_in(door=shut)) as url:
        assert verdict(url, inputs, "-k", "json_request").status == 0
        assert verdict(url, inputs, "--json-bodies", "-k", "json_request").failed == {"test_json_request"}


@pytest.mark.parametrize("status", [200, 500])
def test_gateway_that_others_route_all_the_rest_through_is_no_fault(status: int, inputs: Inputs) -> None:
    stand_in = good_stand_in()
    right = stand_in._answer  # noqa: SLF001 - what of it is another

    def answer(method: str, path: str, headers: Any, body: bytes) -> Reply:
        try:
            return right(method, path, headers, body)
        except RefusalError as error:
            if error.status != 404:
                raise
            return Reply(b"<html>Our shop</html>", status)

    stand_in._answer = answer  # type: ignore[method-assign]  # noqa: SLF001 - as above
    with serving(stand_in) as url:
        assert verdict(url, inputs, "--routed", "-k", "routed or detour or unknown_model").status == 0
        stand_in.replies["/v2/repository/index"] = Reply(b"[]")
        got = verdict(url, inputs, "--routed", "-k", "routed or detour or unknown_model")
    assert got.failed == {"test_path_is_not_routed", "test_path_is_not_reached_by_a_detour"}, got.output


def test_second_picture_that_is_wrong_fails_and_is_named(inputs: Inputs) -> None:
    both = replace(inputs, expected=("mug.png", "cup.png"))
    with serving(good_stand_in()) as url:
        assert verdict(url, both).status == 0
    stand_in = good_stand_in()
    stand_in.second = ranked_scores([505, 968])
    with serving(stand_in) as url:
        got = verdict(url, both)
    failed = {
        "test_expected_class_is_on_top",
        "test_ranks_and_margin_are_as_expected",
        "test_every_score_is_the_golden",
    }
    assert (got.status, got.failed) == (1, failed), got.output
    lines = [line for line in got.output.splitlines() if line.startswith("FAILED")]
    assert len(lines) == 3
    assert all(f"{inputs.folder}/cup.png]" in line for line in lines)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (second_and_third_swapped, "top: classes [504, 505, 968], expected [504, 968, 505]"),
        (lead_too_small, "margin: class 504 leads class 968 by 1, expected 1.5 or more"),
    ],
)
def test_ranks_and_margin_are_compared_without_a_manifest(
    fault: Callable[[StandIn], None], said: str, inputs: Inputs
) -> None:
    options = ("--expect-top", "504,968,505", "--expect-margin", "1.5")
    with serving(StandIn()) as url:
        assert verdict_without_promises(url, inputs, *options).status == 0
    stand_in = StandIn()
    fault(stand_in)
    with serving(stand_in) as url:
        got = verdict_without_promises(url, inputs, *options)
    assert (got.status, got.failed) == (1, {"test_ranks_and_margin_are_as_expected"}), got.output
    assert said in got.output


def test_what_need_not_be_is_skipped_with_its_reason(inputs: Inputs) -> None:
    stand_in = good_stand_in(understands_inception=False)
    stand_in.other = stand_in.expected
    with serving(stand_in) as url:
        got = verdict(url, replace(inputs, other=False), "-rs")
    assert (got.status, got.failed) == (0, set()), got.output
    assert "no --other-image\n" in got.output
    assert "no --inception" in got.output


def test_one_wrong_replica_fails_and_is_named(inputs: Inputs) -> None:
    wrong = good_stand_in()
    score_wrong_by_a_little(wrong)
    with serving(good_stand_in()) as url, serving(good_stand_in()) as right, serving(wrong) as replica:
        got = verdict(url, inputs, "--replica-url", right, "--replica-url", replica)
    assert (got.status, got.failed) == (1, {"test_every_score_is_the_golden"}), got.output
    named = f"::test_every_score_is_the_golden[{replica.removeprefix('http://')}-{inputs.folder}/mug.png]"
    assert [line for line in got.output.splitlines() if line.startswith("FAILED") and named in line]


def test_silent_server_ends_the_run_before_the_tests(inputs: Inputs) -> None:
    with serving(good_stand_in(silent={"/v2/health/live"})) as url:
        got = verdict(url, inputs, "--request-timeout-s", "0.3", "--await-s", "0")
    assert got.status == 7
    assert f"was not reached within 0 s: GET {url}/v2/health/live: no answer within 0.3 s" in got.output
    assert "collected" not in got.output


def test_server_that_is_silent_when_asked_fails(inputs: Inputs) -> None:
    with serving(good_stand_in(silent={INFER})) as url:
        got = verdict(url, inputs, "--request-timeout-s", "0.3", "-k", "expected_class or json_request")
    assert got.status == 1
    assert got.failed == {"test_expected_class_is_on_top", "test_json_request"}
    assert got.output.count("no answer within 0.3 s") >= 2


def test_nothing_collected_is_no_pass(inputs: Inputs) -> None:
    with serving(good_stand_in()) as url:
        assert verdict(url, inputs, "-k", "no_such_test").status == 5
