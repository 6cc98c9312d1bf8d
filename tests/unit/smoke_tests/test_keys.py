"""What the smoke tests say of a door: its certificate, its keys, and who is let in without."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smoke_tests.access import KEY_VARIABLE, Access
from smoke_tests.endpoint import Endpoint
from smoke_tests.wire import Message, any_reply
from tests.unit.smoke_tests.certificates import Authority, authority_in
from tests.unit.smoke_tests.judging import Inputs, good_stand_in, verdict, verdict_of_a_process
from tests.unit.smoke_tests.stand_in import HEALTH, INFER, MODEL, Reply, StandIn, serving

KEYS = {"alice": "a-key-of-hers", "bob": "another"}
AS_ALICE = ("--client", "alice")
FEW = ("-k", "test_keys or expected_class")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def _alices_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEYS["alice"])


def opened(stand_in: StandIn, *paths: str) -> StandIn:
    """A door whose keys some paths are not asked for."""
    asked = stand_in.reply

    def reply(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply | None:
        stand_in.keys = {} if path in paths else KEYS
        return asked(method, path, headers, body)

    stand_in.reply = reply  # type: ignore[method-assign]  # this one server's
    return stand_in


@pytest.mark.usefixtures("_alices_key")
def test_whole_proof_goes_through_a_door_with_certificate_and_key(inputs: Inputs, authority: Authority) -> None:
    guarded = good_stand_in(keys=KEYS)
    with serving(guarded, authority.context()) as url, serving(good_stand_in()) as replica:
        options = (*AS_ALICE, "--ca", str(authority.file), "--replica-url", replica, "--inception", "-v")
        got = verdict_of_a_process(url, inputs, *options)
    assert (got.status, got.failed) == (0, set()), got.output
    assert "test_request_without_the_key_is_turned_away[POST /infer-nothing] PASSED" in got.output
    assert f"test_plain_http_is_not_answered[{HEALTH[0]}] PASSED" in got.output
    assert KEYS["alice"] not in got.output + (inputs.folder / "report.xml").read_text()


@pytest.mark.usefixtures("_alices_key")
@pytest.mark.parametrize(
    "path", [f"/v2/models/{MODEL}", f"/v2/models/{MODEL}/ready", f"/v2/models/{MODEL}/config", INFER]
)
def test_path_that_is_open_to_strangers_is_found(path: str, inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smoke_tests.arrival._CHANGE_S", 0)
    with serving(opened(good_stand_in(), path)) as url:
        got = verdict(url, inputs, *AS_ALICE, *FEW)
    assert (got.status, got.failed) == (1, {"test_request_without_the_key_is_turned_away"}), got.output


@pytest.mark.usefixtures("_alices_key")
@pytest.mark.parametrize(
    "lets_in",
    [
        lambda client, _: client == "alice",
        lambda _, key: key == KEYS["alice"],
        lambda client, key: client == "alice" and key in {"", KEYS["alice"]},
    ],
    ids=["whatever the key is", "whoever has a key", "the empty key too"],
)
def test_lock_that_looks_at_half_of_it_is_found(lets_in: Callable[[str, str], bool], inputs: Inputs) -> None:
    careless = good_stand_in(keys=KEYS)
    careless.lets_in = lets_in
    with serving(careless) as url:
        got = verdict(url, inputs, *AS_ALICE, *FEW)
    assert (got.status, got.failed) == (1, {"test_request_without_the_key_is_turned_away"}), got.output


@pytest.mark.usefixtures("_alices_key")
@pytest.mark.parametrize("path", HEALTH)
def test_health_that_wants_a_key_is_found(path: str, inputs: Inputs) -> None:
    guarded = good_stand_in(keys=KEYS)
    asked = guarded.reply

    def reply(method: str, got: str, headers: dict[str, str], body: bytes) -> Reply | None:
        is_stranger = got == path and "Authorization" not in headers
        return Reply(b"", 401) if is_stranger else asked(method, got, headers, body)

    guarded.reply = reply  # type: ignore[method-assign]  # this one server's
    with serving(guarded) as url:
        got = verdict(url, inputs, *AS_ALICE, *FEW)
    assert (got.status, got.failed) == (1, {"test_health_is_told_without_a_key"}), got.output


@pytest.mark.usefixtures("_alices_key")
def test_refusal_that_does_not_say_what_is_wanted_is_found(inputs: Inputs) -> None:
    guarded = good_stand_in(keys=KEYS)
    asked = guarded.reply

    def reply(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply | None:
        got = asked(method, path, headers, body)
        return Reply(b"", 401) if got is not None and got.status == 401 else got

    guarded.reply = reply  # type: ignore[method-assign]  # this one server's
    with serving(guarded) as url:
        got = verdict(url, inputs, *AS_ALICE, *FEW)
    assert got.failed == {"test_request_without_the_key_is_turned_away"}, got.output


def test_certificate_that_comes_later_is_awaited_and_one_that_never_does_is_the_way_s_fault(
    inputs: Inputs, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smoke_tests.arrival._LOOK_S", 0.01)
    cases = {
        "is not trusted: unable to get local issuer certificate; name the authority that signed it: --ca": (
            authority_in(tmp_path / "other", "Another CA").context()
        ),
        "is of another name: IP address mismatch, certificate is not valid for '127.0.0.1'": (
            authority.context("127.0.0.2")
        ),
        "is out of date: certificate has expired": authority.context(days=-1),
    }
    reason = tmp_path / "reason"
    for said, context in cases.items():
        with serving(good_stand_in(), context) as url:
            got = verdict(url, inputs, "--ca", str(authority.file), "--await-s", "0.05", f"--reason-file={reason}")
        assert got.status == 7, got.output
        assert f"GET {url}/v2/health/live: its certificate {said}" in reason.read_text()
        assert f"waiting for {url}: GET {url}/v2/health/live: its certificate" in got.output


def test_certificate_that_turns_bad_while_the_tests_run_is_no_wrong_answer(
    inputs: Inputs, authority: Authority, tmp_path: Path
) -> None:
    """Without a replica to speak for it, too: another may stand in the door, and the server be as right as before."""
    context = authority.context()
    expired = authority.context(days=-1)
    guarded = good_stand_in()
    asked = guarded.reply

    def reply(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply | None:
        if path == INFER:
            context.sni_callback = lambda connection, *_: setattr(connection, "context", expired)
        return asked(method, path, headers, body)

    guarded.reply = reply  # type: ignore[method-assign]  # this one server's
    reason = tmp_path / "reason"
    with serving(guarded, context) as url:
        options = ("-k", "expected_class or metadata", f"--reason-file={reason}", "--ca", str(authority.file))
        got = verdict(url, inputs, *options)
    assert got.status == 7, got.output
    assert "the URL was reached, and then another answered: " in reason.read_text()


@pytest.mark.parametrize("brought", [(), ("--client", "carol")])
def test_key_that_the_door_does_not_know_is_one_line(
    brought: tuple[str, ...], inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smoke_tests.arrival._CHANGE_S", 0)
    if brought:
        monkeypatch.setenv(KEY_VARIABLE, "none of the door's")
    reason = tmp_path / "reason"
    with serving(good_stand_in(keys=KEYS)) as url:
        got = verdict(url, inputs, *brought, f"--reason-file={reason}")
    assert got.status == 8, got.output
    assert reason.read_text() == (f"turned away at the door: GET {url}/v2/models/{MODEL}: status 401: 401 Unauthorized")


@pytest.mark.usefixtures("_alices_key")
@pytest.mark.parametrize("before", [{}, {"alice": "the key before"}])
def test_change_of_keys_is_awaited(before: dict[str, str], inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smoke_tests.arrival._LOOK_S", 0.01)
    guarded = good_stand_in()
    looked: list[str] = []
    asked = guarded.reply

    def reply(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply | None:
        looked.append(path)
        guarded.keys = before if looked.count(f"/v2/models/{MODEL}") < 6 else KEYS
        return asked(method, path, headers, body)

    guarded.reply = reply  # type: ignore[method-assign]  # this one server's
    with serving(guarded) as url:
        got = verdict(url, inputs, *AS_ALICE, *FEW)
    assert got.status == 0, got.output


def test_door_that_has_had_enough_is_asked_again(inputs: Inputs) -> None:
    """Every other inference is one too many, whichever of the two ways it is sent."""
    busy = good_stand_in()
    asked = busy.reply
    sent = 0

    def reply(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply | None:
        nonlocal sent
        sent += path == INFER
        return Reply(b"", 429) if path == INFER and sent % 2 else asked(method, path, headers, body)

    busy.reply = reply  # type: ignore[method-assign]  # this one server's
    with serving(busy) as url:
        got = verdict(url, inputs, "-k", "expected_class or json_request or metadata")
    assert got.status == 0, got.output


def test_port_of_https_that_is_asked_in_plain_http_is_named(inputs: Inputs) -> None:
    tls = good_stand_in()
    tls.replies[HEALTH[0]] = Reply(b"Client sent an HTTP request to an HTTPS server.\n", 400)
    with serving(tls) as url:
        got = verdict(url, inputs, "--await-s", "0")
    assert got.status == 7, got.output
    assert (
        "status 400 of a port of HTTPS: Client sent an HTTP request to an HTTPS server.; accepted: https" in got.output
    )


def test_port_of_plain_http_that_is_asked_for_a_certificate_is_named(inputs: Inputs, authority: Authority) -> None:
    with serving(good_stand_in()) as url:
        secure = url.replace("http:", "https:")
        got = verdict(secure, inputs, "--await-s", "0", "--ca", str(authority.file))
    assert got.status == 7, got.output
    assert f"GET {secure}/v2/health/live: no TLS, or it broke off: " in got.output


def test_answer_over_tls_that_comes_before_the_body_was_read_is_read(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway leaves the rest of a body unread, and a while later the connection: writing ends so over TLS."""
    body = bytes(50_000_000)
    send = http.client.HTTPSConnection.send

    def broken(connection: http.client.HTTPSConnection, data: bytes) -> None:
        if data is body:
            raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
        send(connection, data)

    monkeypatch.setattr(http.client.HTTPSConnection, "send", broken)
    with serving_early(authority) as url:
        endpoint = Endpoint.from_url(url, Access(authority=authority.file))
        reply = any_reply(endpoint, "POST", INFER, Message(body=body), timeout_s=20)
    assert (reply.status, reply.reason) == (401, "who")


@contextmanager
def serving_early(authority: Authority) -> Iterator[str]:
    """Answer one request before its body has come."""

    def serve() -> None:
        connection, _ = listener.accept()
        with authority.context().wrap_socket(connection, server_side=True) as secure:
            secure.recv(1024)
            secure.sendall(b"HTTP/1.1 401 no\r\nContent-Length: 3\r\nConnection: close\r\n\r\nwho")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
