"""Watching a deployment: what is waited for is told, and a wait that can't succeed is ended."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from deploy.cluster import Cluster
from deploy.errors import DeployError
from deploy.waits.diagnosis import last_words, own_objects, reasons_from_objects
from deploy.waits.progress import State, Wait, failed, progress_lines, states_from_objects, waits_from_states
from deploy.waits.reasons.reason import Part, Patience, Reason

_ANSWER_S = 5
_END_S = 2
_POLL_S = 0.5
_KINDS = "pods,jobs.batch,replicasets.apps,persistentvolumeclaims"
_ROUTES = "gateways.gateway.networking.k8s.io,httproutes.gateway.networking.k8s.io"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A stack in its cluster.

    Attributes:
        cluster: is asked.
        namespace: of the stack.
        claim: on its storage, by name.
        patience: of its configuration.
    """

    cluster: Cluster
    namespace: str
    claim: str
    patience: Patience

    def objects(self, *, with_routes: bool) -> list[Mapping[str, Any]]:
        """Return the stack's own objects as the API gives them.

        Args:
            with_routes: whether its Gateway and its route are among them.
        """
        kinds = f"{_KINDS},{_ROUTES}" if with_routes else _KINDS
        return own_objects(self._items(kinds), self.claim)

    def events(self) -> list[dict[str, Any]]:
        """Return the namespace's events as the API gives them."""
        return self._items("events")

    def last_words(self) -> list[str]:
        """Say why the stack does not come up, as far as the cluster can still be asked; a line each."""
        try:
            try:
                objects = self.objects(with_routes=True)
            except DeployError:
                objects = self.objects(with_routes=False)
            return last_words(objects, self.events(), self.patience)
        except DeployError as error:
            return [f"the cluster could not be asked why: {error}"]

    def _items(self, kinds: str) -> list[dict[str, Any]]:
        flags = (f"--namespace={self.namespace}", f"--request-timeout={_ANSWER_S}s", "--output=json")
        items: list[dict[str, Any]] = json.loads(self.cluster.kubectl("get", kinds, *flags, timeout_s=2 * _ANSWER_S))[
            "items"
        ]
        return items


@dataclass(kw_only=True)
class Watch:
    """One deployment that is watched.

    Attributes:
        stack: whose deployment it is.
        awaited: says what is waited for now; nothing is asked of the cluster where it is nothing.
        write: takes one whole line with its end, from a thread of its own.
        every_s: how often the cluster is asked.
        hopeless: why the wait was ended; empty where it was not.
    """

    stack: Watched
    awaited: Callable[[], frozenset[Part]]
    write: Callable[[str], object]
    every_s: float = 2
    hopeless: tuple[Reason, ...] = ()
    _process: subprocess.Popen[Any] | None = field(default=None, init=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False)

    def started(self, process: subprocess.Popen[Any]) -> None:
        """Take note of the program that waits; it is interrupted where it waits in vain, so that it ends in order."""
        self._process = process
        if self.hopeless:
            process.send_signal(signal.SIGINT)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch while the context lasts."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(timeout=_END_S)

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 - it only looks: nothing here may end or disturb a deployment
            self._say(f"what is waited for can't be told: {error!r}")

    def _follow(self) -> None:
        waits: dict[str, Wait] = {}
        held: dict[tuple[str, str], float] = {}
        past: frozenset[str] | None = None
        while not self._over.is_set():
            parts = self.awaited()
            if not parts:
                self._over.wait(min(_POLL_S, self.every_s))
                continue
            try:
                objects = self.stack.objects(with_routes="endpoint" in parts)
                past = failed(objects) if past is None else past
                states = states_from_objects(objects, past)
                found = self._reasons(objects, states, parts)
                states |= {each.where: State(doing=each.why) for each in found if each.where not in states}
            except DeployError as error:
                states, found = {**{what: wait.state for what, wait in waits.items()}, **_unanswered(error)}, []
            now_s = time.monotonic()
            waits = waits_from_states(states, waits, now_s=now_s)
            for line in progress_lines(waits, now_s=now_s):
                self._say(line)
            held = held_reasons(found, held, now_s=now_s)
            if hopeless := hopeless_reasons(found, held, now_s=now_s):
                self._end(hopeless)
                return
            self._over.wait(self.every_s)

    def _reasons(
        self, objects: Sequence[Mapping[str, Any]], states: Mapping[str, State], parts: frozenset[Part]
    ) -> list[Reason]:
        """Why what is awaited does not come; the events are asked for where something waits."""
        waits = any(not state.over for state in states.values()) or not states
        events = self.stack.events() if waits or parts <= {"storage", "endpoint"} else []
        return [each for each in reasons_from_objects(objects, events, self.stack.patience) if each.part in parts]

    def _end(self, hopeless: tuple[Reason, ...]) -> None:
        if self._over.is_set():
            return
        self.hopeless = hopeless
        for reason in hopeless:
            self._say(f"waiting is of no use: {reason.line}")
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def _say(self, line: str) -> None:
        if not self._over.is_set():
            self.write(f"{line}\n")


def held_reasons(
    found: Sequence[Reason], before: Mapping[tuple[str, str], float], *, now_s: float
) -> dict[tuple[str, str], float]:
    """Carry on since when each reason has held, in whichever words.

    Args:
        found: at this look.
        before: the result of the look before.
        now_s: time of this look, on the monotonic clock.
    """
    return {(each.where, each.kind): before.get((each.where, each.kind), now_s) for each in found}


def hopeless_reasons(
    found: Sequence[Reason], held: Mapping[tuple[str, str], float], *, now_s: float
) -> tuple[Reason, ...]:
    """Return the reasons that have held longer than they may.

    Args:
        found: at this look.
        held: since when each holds.
        now_s: time of this look, on the monotonic clock.
    """
    return tuple(
        each for each in found if each.patience_s is not None and now_s - held[each.where, each.kind] >= each.patience_s
    )


def _unanswered(error: DeployError) -> dict[str, State]:
    return {"cluster": State(doing=f"does not answer: {error}")}
