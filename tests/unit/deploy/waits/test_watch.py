import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from deploy.waits import watch
from deploy.waits.reasons.reason import Part, Patience, Reason
from deploy.waits.watch import Watch, Watched, held_reasons, hopeless_reasons
from infra.config import Cluster as ClusterConfig

PATIENCE = Patience(placement_s=60, ending_s=20)
QUOTA = 'pods "triton-1-a" is forbidden: failed quota: q: must specify limits.cpu for: triton'
REFUSED = {
    "kind": "ReplicaSet",
    "metadata": {"name": "triton-1", "uid": "uid-rs", "labels": {"app.kubernetes.io/name": "triton"}},
    "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": QUOTA}]},
}


def pod(name: str = "triton-1", phase: str = "Pending", app: str = "triton", **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": f"uid-{name}", "labels": {"app.kubernetes.io/name": app}}
    return {"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"phase": phase, **status}}


@dataclass(frozen=True, kw_only=True)
class StandIn(Cluster):
    """A cluster that gives one answer after the other, and then none until it is let go; it has no events."""

    config: ClusterConfig = field(default_factory=lambda: ClusterConfig(context="c", namespace="triton-dev"))
    environment: dict[str, str] = field(default_factory=dict)
    answers: Iterator[list[dict[str, Any]] | CommandFailedError]
    silent: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    came_back: threading.Event = field(default_factory=threading.Event)

    def kubectl(self, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        assert input_text is None
        if arguments[1] == "events":
            return json.dumps({"items": []})
        answer = next(self.answers, None)
        if answer is None:
            self.silent.set()
            self.let_go.wait(timeout_s)
            self.came_back.set()
            return json.dumps({"items": [pod("too-late")]})
        if isinstance(answer, CommandFailedError):
            raise answer
        return json.dumps({"items": answer})


def watch_of(cluster: Cluster, written: list[str], *parts: Part) -> Watch:
    watched = Watched(cluster=cluster, namespace="triton-dev", claim="models", patience=PATIENCE)
    awaited: frozenset[Part] = frozenset(parts)
    return Watch(stack=watched, awaited=lambda: awaited, write=written.append, every_s=0.001)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Callable[[StandIn], list[str]]:
    """Watch a cluster until it falls silent, and return what was written."""
    monkeypatch.setattr(watch, "_END_S", 0.01)

    def follow(cluster: StandIn) -> list[str]:
        written: list[str] = []
        with watch_of(cluster, written, "serving").on():
            assert cluster.silent.wait(30)
        assert not cluster.came_back.is_set()
        threads = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
        cluster.let_go.set()
        for thread in threads:
            thread.join(30)
        return written

    return follow


def test_the_end_does_not_wait_for_a_silent_cluster(followed: Callable[[StandIn], list[str]]) -> None:
    assert followed(StandIn(answers=iter([[pod()]]))) == ["waiting 0 s: pod triton-1: finding a node\n"]


def test_a_cluster_that_is_away_for_a_moment_is_asked_again(followed: Callable[[StandIn], list[str]]) -> None:
    away = CommandFailedError("connection refused")
    ready = pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    assert followed(StandIn(answers=iter([[pod()], away, away, [ready]]))) == [
        "waiting 0 s: pod triton-1: finding a node\n",
        "waiting 0 s: cluster: does not answer: connection refused\n",
        "pod triton-1: ready after 0 s\n",
    ]


def test_what_others_have_in_the_namespace_is_not_told(followed: Callable[[StandIn], list[str]]) -> None:
    assert followed(StandIn(answers=iter([[pod("theirs", app="other")]]))) == []


def test_where_nothing_is_awaited_nothing_is_asked() -> None:
    cluster = StandIn(answers=iter([]))

    with watch_of(cluster, []).on():
        assert not cluster.silent.wait(0.05)


@pytest.mark.parametrize("late", [False, True])
def test_what_can_not_succeed_is_interrupted_with_kubernetes_own_reason(
    monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    """Whether the program that waits is there when the reason is found, or is started only then."""
    written: list[str] = []
    runs, ended = threading.Event(), threading.Event()

    def looks() -> Iterator[list[dict[str, Any]]]:
        while not late and not runs.is_set():
            yield []
        yield [REFUSED]

    watching = watch_of(StandIn(answers=looks()), written, "serving")
    watching.write = lambda line: (written.append(line), "of no use" in line and ended.set())
    monkeypatch.setattr(watch, "hopeless_reasons", lambda found, _held, *, now_s: tuple(found) if now_s else ())

    with watching.on(), subprocess.Popen(["sleep", "30"]) as waits:
        if late:
            assert ended.wait(30)
        watching.started(waits)
        runs.set()
        assert waits.wait(30) == -signal.SIGINT

    assert [reason.why for reason in watching.hopeless] == [QUOTA]
    assert written[-1].startswith(f"waiting is of no use: ReplicaSet triton-1: {QUOTA}; set serving.resources.cpuLimit")


def test_what_is_not_awaited_yet_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ReplicaSet of a release before was refused; now the build runs, and Triton's turn is to come."""
    cluster = StandIn(answers=iter([[REFUSED]]))
    watching = watch_of(cluster, [], "build")
    monkeypatch.setattr(watch, "hopeless_reasons", lambda found, _held, *, now_s: tuple(found) if now_s else ())

    with watching.on():
        assert cluster.silent.wait(30)
        cluster.let_go.set()

    assert watching.hopeless == ()


def test_what_can_not_be_understood_is_one_line_and_ends_nothing() -> None:
    written: list[str] = []
    nameless = pod()
    del nameless["metadata"]["name"]
    watching = watch_of(StandIn(answers=iter([[nameless]])), written, "serving")
    told = threading.Event()
    watching.write = lambda line: (written.append(line), told.set())

    with watching.on():
        assert told.wait(30)

    assert written == ["what is waited for can't be told: KeyError('name')\n"]


def reason(kind: str, patience_s: float | None, why: str = "") -> Reason:
    return Reason(part="serving", where="pod a", kind=kind, why=why, patience_s=patience_s)


def test_a_reason_must_hold_as_long_as_it_may_pass_by_itself() -> None:
    held: dict[tuple[str, str], float] = {}
    ends = []
    for now_s, found in [
        (10.0, [reason("image", 15, "ErrImagePull")]),
        (20.0, [reason("image", 15, "ImagePullBackOff"), reason("address", None)]),
        (24.9, [reason("image", 15, "ErrImagePull"), reason("address", None)]),
        (25.0, [reason("image", 15, "ErrImagePull"), reason("address", None)]),
    ]:
        held = held_reasons(found, held, now_s=now_s)
        ends.append([each.kind for each in hopeless_reasons(found, held, now_s=now_s)])

    assert ends == [[], [], [], ["image"]]


def test_a_reason_that_was_gone_begins_anew() -> None:
    first = held_reasons([reason("image", 15)], {}, now_s=10)
    gone = held_reasons([], first, now_s=12)

    assert held_reasons([reason("image", 15)], gone, now_s=30) == {("pod a", "image"): 30}
