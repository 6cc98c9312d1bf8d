"""What a preview said, from the engine's own event log."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deploy.pulumi.conflicts import conflict_lines
from gate.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Event = Mapping[str, Any]

_DELETES = frozenset({"delete", "delete-replaced", "discard-replaced"})
_PARTS_OF_A_REPLACEMENT = frozenset({"create-replacement", "delete-replaced", "discard-replaced"})
_GENERAL = frozenset({"preview failed", "update failed"})
_NOT_REACHED = "expected resource operations for "  # what a plan adds for resources whose turn an error has prevented
_MARKUP = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_ERROR_CHARACTERS = 500


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens to one resource.

    Attributes:
        urn: Pulumi's.
        type: Pulumi's type token, such as ``kubernetes:apps/v1:Deployment``.
        name: the logical name.
        op: ``create``, ``update``, ``replace``, ``delete``, ``same``, or a rarer one of the engine's.
        changed: paths of the properties that change.
        replacing: those of them that can't be changed in place.
        gone_meanwhile: it is deleted before its replacement is created.
    """

    urn: str
    type: str
    name: str
    op: str
    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    gone_meanwhile: bool = False


@dataclass(frozen=True, kw_only=True)
class PolicyResult:
    """What a rule of the policy pack has found.

    Attributes:
        name: the rule's.
        level: whether it forbids the deployment.
        resource: URN of where.
        message: one line: what is wrong, where, what is accepted, what mends it.
    """

    name: str
    level: Literal["advisory", "mandatory"]
    resource: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would happen.

    Attributes:
        steps: one for each resource, in the engine's order.
        rules: names of all rules that were applied; none where no policy pack ran.
        policies: what they found.
        errors: one line each; with none, and no mandatory policy violated, the preview succeeded.
        deleted_again: URN and ``namespace/name`` of objects that the update makes or keeps and then deletes: they
            wait for deletion since an update that failed, and are wanted again.
    """

    steps: tuple[Step, ...]
    rules: tuple[str, ...] = ()
    policies: tuple[PolicyResult, ...] = ()
    errors: tuple[str, ...] = ()
    deleted_again: tuple[tuple[str, str], ...] = ()

    @property
    def violations(self) -> tuple[PolicyResult, ...]:
        """The findings that forbid the deployment."""
        return tuple(result for result in self.policies if result.level == "mandatory")


def preview_from_events(lines: Iterable[str]) -> Preview:
    """Read an event log, of a preview or of an update.

    Args:
        lines: of the file that `pulumi … --event-log` wrote, one JSON object each.

    Raises:
        RefusedError: a line is none of the engine's.
    """
    events = [_event(line) for line in lines if line.strip()]
    metadata = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    policies = tuple(_policy(event["policyEvent"]) for event in events if "policyEvent" in event)
    errors = _errors(events)
    if not any("summaryEvent" in event for event in events):
        errors = (*errors, "Pulumi did not come to its end")
    return Preview(
        steps=tuple(_steps(metadata)),
        rules=tuple(sorted({rule for event in events for rule in _rules(event)})),
        policies=policies,
        errors=errors,
        deleted_again=tuple(_deleted_again(metadata)),
    )


def _event(line: str) -> Event:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise RefusedError(f"the event log has a line that is no event: {line[:80]!r}; run the same command again")
    return event


def _steps(metadata: Sequence[Event]) -> Iterator[Step]:
    created: set[str] = set()
    deleted_first: set[str] = set()
    for step in metadata:
        urn, op = step["urn"], step["op"]
        if op == "delete-replaced" and urn not in created:
            deleted_first.add(urn)
        elif op == "create-replacement":
            created.add(urn)
    for step in metadata:
        if step["op"] not in _PARTS_OF_A_REPLACEMENT:
            yield _step(step, gone_meanwhile=step["urn"] in deleted_first & created)


def _step(step: Event, *, gone_meanwhile: bool) -> Step:
    return Step(
        urn=step["urn"],
        type=step["type"],
        name=step["urn"].rpartition("::")[2],
        op=step["op"],
        changed=tuple(sorted(step.get("detailedDiff") or step.get("diffs") or ())),
        replacing=tuple(sorted(step.get("keys") or ())),
        gone_meanwhile=gone_meanwhile,
    )


def _deleted_again(metadata: Sequence[Event]) -> Iterator[tuple[str, str]]:
    """Pulumi finds an object by its name: what waits for deletion takes along the new one of the same name."""
    alive: set[tuple[str, str]] = set()
    for step in metadata:
        if step["op"] not in _DELETES:
            alive.add((step["urn"], _object_name(step.get("new"))))
        elif (lost := (step["urn"], str((step.get("old") or {}).get("id")))) in alive:
            yield lost


def _object_name(state: Event | None) -> str:
    metadata = ((state or {}).get("inputs") or {}).get("metadata") or {}
    return "/".join(str(metadata[key]) for key in ("namespace", "name") if key in metadata)


def _policy(event: Event) -> PolicyResult:
    """The rule's description stands before its finding, on a line of its own."""
    text = _MARKUP.sub("", event["message"]).strip()
    return PolicyResult(
        name=event["policyName"],
        level=event["enforcementLevel"],
        resource=event.get("resourceUrn", ""),
        message=text.partition("\n")[2] or text,
    )


def _rules(event: Event) -> Iterator[str]:
    for kind in ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent"):
        summary = event.get(kind) or {}
        yield from summary.get("passed") or ()
        yield from summary.get("failed") or ()


def _errors(events: Sequence[Event]) -> tuple[str, ...]:
    """The engine's errors, those that only follow from others left out."""
    all_said = (event["diagnosticEvent"] for event in events if "diagnosticEvent" in event)
    said = [diagnostic for diagnostic in all_said if diagnostic["severity"] == "error"]
    if conflicts := conflict_lines([(each.get("urn", ""), _MARKUP.sub("", each["message"])) for each in said]):
        return tuple(conflicts)
    errors = list(dict.fromkeys(_line(diagnostic) for diagnostic in said))
    own = [error for error in errors if error not in _GENERAL and _NOT_REACHED not in error]
    return tuple(own or [error for error in errors if error not in _GENERAL] or errors)


def _line(diagnostic: Event) -> str:
    text = " ".join(_MARKUP.sub("", diagnostic["message"]).split())
    name = diagnostic.get("urn", "").rpartition("::")[2]
    line = f"{name}: {text}" if name and name not in text and text not in _GENERAL else text
    return line if len(line) <= _ERROR_CHARACTERS else line[: _ERROR_CHARACTERS - 1] + "…"
