"""A URL that is not reached, a door that does not open, and a wrong answer are three things."""

from pathlib import Path

import pytest

from tests.unit.smoke_tests.faults import dead_after_a_bad_request, score_wrong_by_a_little
from tests.unit.smoke_tests.judging import Inputs, good_stand_in, verdict
from tests.unit.smoke_tests.stand_in import INFER, MODEL, Reply, StandIn, json_reply, serving

LIVE = "/v2/health/live"
READY = f"/v2/models/{MODEL}/ready"
FEW = ("-k", "is_healthy or expected_class")


def routed_after(stand_in: StandIn, path: str, *early: Reply) -> StandIn:
    """A gateway answers by itself at first, and then routes to the server."""
    answers = [*early]
    right = stand_in.reply

    def reply(method: str, asked: str, headers: object, body: bytes) -> Reply | None:
        return answers.pop(0) if answers and asked == path else right(method, asked, headers, body)

    stand_in.reply = reply  # type: ignore[method-assign]  # this one server's
    return stand_in


@pytest.mark.parametrize("path", [LIVE, READY])
def test_route_that_is_not_there_yet_is_awaited(path: str, inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smoke_tests.arrival._LOOK_S", 0.01)
    early = [Reply(b"404 page not found", 404), Reply(b"", 502), Reply(b"no healthy upstream", 503)]
    with serving(routed_after(good_stand_in(), path, *early)) as url:
        got = verdict(url, inputs, "--await-s", "60", *FEW)
    assert got.status == 0, got.output
    waited = [line for line in got.output.splitlines() if line.startswith("waiting for ")]
    assert waited == [
        f"waiting for {url}: GET {url}{path}: status 404 of a gateway that has no such route: 404 page not found",
        f"waiting for {url}: GET {url}{path}: status 502 of a gateway",
        f"waiting for {url}: GET {url}{path}: status 503 of a gateway: no healthy upstream",
    ]


@pytest.mark.parametrize("status", [404, 502, 503, 504])
def test_route_that_never_comes_is_a_status_and_a_reason_of_its_own(
    status: int, inputs: Inputs, tmp_path: Path
) -> None:
    stand_in = good_stand_in()
    stand_in.replies[READY] = Reply(b"<html>", status)
    reason = tmp_path / "reason"
    with serving(stand_in) as url:
        got = verdict(url, inputs, "--await-s", "0", f"--reason-file={reason}")
    assert got.status == 7, got.output
    assert f"{url} was not reached within 0 s: GET {url}{READY}: status {status}" in reason.read_text()
    assert "collected" not in got.output


@pytest.mark.parametrize("status", [401, 403, 407, 429])
def test_door_that_does_not_open_is_not_waited_for(status: int, inputs: Inputs, tmp_path: Path) -> None:
    stand_in = good_stand_in()
    stand_in.replies[LIVE] = Reply(b"not you", status)
    reason = tmp_path / "reason"
    with serving(stand_in) as url:
        got = verdict(url, inputs, "--await-s", "600", f"--reason-file={reason}")
    assert got.status == 8, got.output
    assert reason.read_text() == f"turned away at the door: GET {url}{LIVE}: status {status}: not you"


def test_door_that_sends_elsewhere_is_no_wrong_answer(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    stand_in.replies[LIVE] = Reply(b"", 302, {"Location": "https://login.example"})
    with serving(stand_in) as url:
        got = verdict(url, inputs)
    assert got.status == 8, got.output
    assert "status 302, which sends elsewhere: https://login.example" in got.output


def test_what_triton_says_by_itself_is_an_answer(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    stand_in.replies[READY] = json_reply({"error": "unknown model"}, 404)
    with serving(stand_in) as url:
        got = verdict(url, inputs, "--await-s", "600", *FEW)
    assert (got.status, got.failed) == (1, {"test_is_healthy"}), got.output


@pytest.mark.parametrize(("lost", "status"), [(Reply(b"Bad Gateway", 502), 7), (Reply(b"", 429), 8)])
def test_door_that_closes_while_the_replicas_are_right_is_no_wrong_answer(
    lost: Reply, status: int, inputs: Inputs, tmp_path: Path
) -> None:
    behind_the_door = good_stand_in()
    behind_the_door.replies[INFER] = lost
    options = ("-k", "expected_class or json_request or python_client", f"--reason-file={tmp_path / 'reason'}")
    with serving(behind_the_door) as url, serving(good_stand_in()) as replica:
        got = verdict(url, inputs, "--replica-url", replica, *options)
    assert got.status == status, got.output
    assert f"{url}" in (tmp_path / "reason").read_text()


def test_server_that_is_lost_without_a_replica_to_speak_for_it_is_wrong(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    stand_in.replies[INFER] = Reply(b"Bad Gateway", 502)
    with serving(stand_in) as url:
        assert verdict(url, inputs, "-k", "expected_class").status == 1


def test_door_that_closes_hides_no_wrong_replica(inputs: Inputs) -> None:
    behind_the_door, wrong = good_stand_in(), good_stand_in()
    behind_the_door.replies[INFER] = Reply(b"", 429)
    score_wrong_by_a_little(wrong)
    with serving(behind_the_door) as url, serving(wrong) as replica:
        assert verdict(url, inputs, "--replica-url", replica, "-k", "golden").status == 1


def test_server_that_a_bad_request_ends_is_wrong(inputs: Inputs) -> None:
    dies = good_stand_in()
    dead_after_a_bad_request(dies)
    with serving(dies) as url, serving(good_stand_in()) as replica:
        assert verdict(url, inputs, "--replica-url", replica, "-k", "bad_request").status == 1
