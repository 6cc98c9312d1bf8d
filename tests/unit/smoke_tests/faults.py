"""Faults that a deployment can have, and the smoke tests that are there to find them."""

from collections.abc import Callable

import numpy as np

from contract.comparison import Tolerance, spread_of
from tests.unit.smoke_tests.stand_in import CLASSES, INFER, MODEL, Reply, Scores, StandIn, triton_entries

TOLERANCE = Tolerance(largest=0.01, cosine=0.9999)
LIMIT_BYTES = 5_000_000


def expected_class_second(stand_in: StandIn) -> None:
    stand_in.expected[[504, 968]] = stand_in.expected[[968, 504]]


def score_wrong_by_a_little(stand_in: StandIn) -> None:
    stand_in.spoilt = lambda row: with_another_score(row, 1.1)


def with_another_score(row: Scores, tolerances: float) -> Scores:
    """One lesser score changed by so many tolerances."""
    return row + np.float32(tolerances * TOLERANCE.largest * spread_of(row.tolist())) * (np.arange(len(row)) == 123)


def score_not_a_number(stand_in: StandIn) -> None:
    stand_in.expected[123] = np.nan


def score_infinite(stand_in: StandIn) -> None:
    stand_in.expected[123] = -np.inf


def score_missing(stand_in: StandIn) -> None:
    stand_in.expected = stand_in.expected[:-1]


def labels_rotated(stand_in: StandIn) -> None:
    stand_in.labels = [*stand_in.labels[1:], stand_in.labels[0]]


def two_other_labels_swapped(stand_in: StandIn) -> None:
    stand_in.labels[1], stand_in.labels[2] = stand_in.labels[2], stand_in.labels[1]


def labels_missing(stand_in: StandIn) -> None:
    stand_in.labels = [""] * CLASSES
    stand_in.config["output"][0]["label_filename"] = ""


def everything_a_mug(stand_in: StandIn) -> None:
    stand_in.other = stand_in.expected


def unsorted(stand_in: StandIn) -> None:
    def entries(scores: Scores, labels: list[str]) -> list[str]:
        best, second, third, *others = triton_entries(scores, labels)
        return [best, third, second, *others]

    stand_in.entries = entries


def printed_scores_of_another(stand_in: StandIn) -> None:
    stand_in.entries = lambda scores, labels: triton_entries(scores + 1, labels)


def inception_not_understood(stand_in: StandIn) -> None:
    stand_in.understands_inception = False


def broken_connection_taken_for_whole(stand_in: StandIn) -> None:
    stand_in.pads_short_bodies = True


def unknown_model_answered(stand_in: StandIn) -> None:
    stand_in.replies[f"/v2/models/no_{MODEL}/infer"] = Reply(b'{"outputs":[]}')


def other_input_name(stand_in: StandIn) -> None:
    stand_in.metadata["inputs"] = [{"name": "data_0", "datatype": "FP32", "shape": [3, 224, 224]}]


def batch_dimension(stand_in: StandIn) -> None:
    stand_in.config["max_batch_size"] = 8


def no_format(stand_in: StandIn) -> None:
    stand_in.config["input"][0]["format"] = "FORMAT_NONE"


def model_not_ready(stand_in: StandIn) -> None:
    stand_in.replies[f"/v2/models/{MODEL}/ready"] = Reply(b"", 400)


def error_page(stand_in: StandIn) -> None:
    stand_in.replies[INFER] = Reply(b"<html>Welcome to nginx!</html>", 200, {"Content-Type": "text/html"})


def empty_answer(stand_in: StandIn) -> None:
    stand_in.replies[INFER] = Reply(b"")


def bad_requests_answered(stand_in: StandIn) -> None:
    stand_in.refusal = lambda _: Reply(b"{}")


def refused_without_a_reason(stand_in: StandIn) -> None:
    stand_in.refusal = lambda error: Reply(b"{}", error.status)


def bad_requests_dropped(stand_in: StandIn) -> None:
    stand_in.refusal = lambda _: None


def bad_requests_crash(stand_in: StandIn) -> None:
    stand_in.refusal = lambda _: Reply(b"Bad Gateway", 502)


def dead_after_a_bad_request(stand_in: StandIn) -> None:
    stand_in.dies_of_a_bad_request = True


def no_body_limit(stand_in: StandIn) -> None:
    stand_in.max_body_bytes = 2**62


def lower_body_limit(stand_in: StandIn) -> None:
    stand_in.max_body_bytes = LIMIT_BYTES - 1


def wrong_now_and_then(stand_in: StandIn) -> None:
    stand_in.wrong_every = 7


def channels_reversed(stand_in: StandIn) -> None:
    stand_in.channel_order = -1


def channels_reversed_and_the_class_right(stand_in: StandIn) -> None:
    stand_in.other = stand_in.expected
    stand_in.channel_order = -1


def lesser_scores_turned_round(stand_in: StandIn) -> None:
    stand_in.spoilt = lambda row: np.where(row < 5, -row, row).astype(np.float32)


def second_and_third_swapped(stand_in: StandIn) -> None:
    stand_in.expected[[968, 505]] = stand_in.expected[[505, 968]]


def lead_too_small(stand_in: StandIn) -> None:
    stand_in.expected[504] = stand_in.expected[968] + 1


def control_api_routed(stand_in: StandIn) -> None:
    stand_in.replies["/v2/repository/index"] = Reply(b"[]")


ONE_THING_WRONG: dict[Callable[[StandIn], None], set[str]] = {
    score_wrong_by_a_little: {"test_every_score_is_the_golden"},
    score_infinite: {"test_every_score_is_finite", "test_every_score_is_the_golden", "test_python_client"},
    lesser_scores_turned_round: {"test_every_score_is_the_golden"},
    second_and_third_swapped: {"test_every_score_is_the_golden", "test_ranks_and_margin_are_as_expected"},
    lead_too_small: {"test_every_score_is_the_golden", "test_ranks_and_margin_are_as_expected"},
    labels_rotated: {"test_expected_class_is_on_top", "test_every_label_is_in_its_place"},
    two_other_labels_swapped: {"test_every_label_is_in_its_place"},
    everything_a_mug: {"test_other_image_is_of_another_class"},
    unsorted: {"test_python_client"},
    printed_scores_of_another: {"test_python_client"},
    inception_not_understood: {"test_image_client_with_inception"},
    broken_connection_taken_for_whole: {"test_broken_connection_is_dropped"},
    unknown_model_answered: {"test_unknown_model_is_refused"},
    other_input_name: {"test_metadata_is_the_contract"},
    batch_dimension: {"test_config_names_the_labels", "test_image_client"},
    no_format: {"test_image_client"},
    model_not_ready: {"test_is_healthy"},
    no_body_limit: {"test_body_over_the_limit_is_refused"},
    lower_body_limit: {"test_body_at_the_limit_reaches_the_server"},
    control_api_routed: {"test_path_is_not_routed", "test_path_is_not_reached_by_a_detour"},
}
WRONG_ALL_OVER: dict[Callable[[StandIn], None], set[str]] = {
    channels_reversed: {"test_expected_class_is_on_top", "test_every_score_is_the_golden"},
    channels_reversed_and_the_class_right: {"test_every_score_is_the_golden", "test_other_image_is_of_another_class"},
    wrong_now_and_then: {"test_every_request_gets_the_answer"},
    expected_class_second: {"test_expected_class_is_on_top", "test_every_score_is_the_golden"},
    score_not_a_number: {"test_every_score_is_finite", "test_every_score_is_the_golden"},
    score_missing: {"test_every_score_is_finite", "test_every_score_is_the_golden", "test_python_client"},
    labels_missing: {"test_expected_class_is_on_top", "test_config_names_the_labels", "test_python_client"},
    error_page: {"test_expected_class_is_on_top", "test_every_score_is_the_golden", "test_json_request"},
    empty_answer: {"test_expected_class_is_on_top", "test_every_score_is_the_golden", "test_json_request"},
    bad_requests_answered: {"test_bad_request_is_refused", "test_unknown_model_is_refused"},
    refused_without_a_reason: {"test_bad_request_is_refused", "test_unknown_model_is_refused"},
    bad_requests_dropped: {"test_bad_request_is_refused", "test_unknown_model_is_refused"},
    bad_requests_crash: {"test_bad_request_is_refused", "test_unknown_model_is_refused"},
    dead_after_a_bad_request: {"test_bad_request_is_refused", "test_unknown_model_is_refused"},
}
