"""What the gate's command line does to a stack."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.before.nodes import require_nodes
from deploy.commands import ROOT
from deploy.configuration import secret_values, write_values
from deploy.environment import state_folder
from deploy.errors import DeployError
from deploy.lease import begun_on, held_lease
from deploy.operations import Deployment
from gate.before.candidate import Candidate, candidate_from_checkout, input_files, previewed, refusals
from gate.before.checkout import commit_of_checkout
from gate.before.preview_markdown import markdown_from_preview
from gate.before.promotion import Promised, announcement, promised_from_release, promoted_values
from gate.cluster.releases import Release, Releases
from gate.errors import GateError, RefusedError
from gate.evidence.document import Evidence, Subject, Verdict
from gate.evidence.record import Action, Record
from gate.evidence.verdict import Status, closed, say
from gate.run import FAILURES, GateRun
from infra.config import Gate, file_name, short_name

_GATE = "densenet-triton:gate"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to become of a stack.

    Attributes:
        stack: its name.
        file: its configuration.
        action: what the user asked for.
        wait_s: how long another gate on the stack is waited for.
        promised: what a promotion has promised.
    """

    stack: str
    file: Path
    action: Action
    wait_s: float
    promised: Promised | None = None


def gate(stack: str, *, wait_s: float) -> Status:
    """Deploy this checkout to a stack and prove it, or put the last good release back."""
    return _deployed(Request(stack=stack, file=_file_of(stack), action="deploy", wait_s=wait_s))


def promote(source: str, target: str, *, wait_s: float) -> Status:
    """Deploy what one stack has proven to another: the same plan, images and manifest."""
    deployment = Deployment(target)
    record = Record(stack=target, action="promote", candidate=_unknown(deployment))
    try:
        deployment.ensure_tools()
        promised, values = _promised(source, deployment)
    except FAILURES as error:
        return _close_refused(record, str(error).splitlines())
    with _stack_file(deployment, values) as file:
        return _deployed(Request(stack=target, file=file, action="promote", wait_s=wait_s, promised=promised))


def rollback(stack: str, to: str, *, wait_s: float) -> Status:
    """Deploy a kept release again and prove it."""
    deployment = Deployment(stack)
    record = Record(stack=stack, action="rollback", candidate=_unknown(deployment))
    try:
        deployment.ensure_tools()
        deployment.cluster.await_answer()
        release = _releases(deployment).get(to)
        record.candidate = release.subject
        with _lease_of(deployment, record, wait_s) as run:
            program = run.program_of(release)
            try:
                with record.check("program"):
                    program.prepare()
                run.prepare_way_back()
            except FAILURES as error:
                return run.refuse(str(error).splitlines())
            return run.carry_out(program, release.config, restores=release.id)
    except FAILURES as error:
        return _close_refused(record, str(error).splitlines())


def releases_of(stack: str) -> list[tuple[Release, Evidence | GateError]]:
    """Return a stack's kept releases, the newest first, each with the evidence of its run, or why it can't be read."""
    deployment = Deployment(stack)
    deployment.ensure_tools()
    return _releases(deployment).with_evidence()


def preview(stack: str) -> tuple[str, bool]:
    """Preview a stack with the policy pack; nothing is changed, and no cluster is needed.

    Returns:
        Markdown for a pull request, and whether the gate would accept it.
    """
    deployment = Deployment(stack)
    _ = deployment.config
    deployment.ensure_tools()
    with tempfile.TemporaryDirectory() as folder:
        found, forecast, failed = previewed(deployment, Path(folder))
    reasons = refusals(found, failed, stack)
    return markdown_from_preview(stack, found, forecast, refusals=reasons), not reasons


def _deployed(request: Request) -> Status:
    """Carry a request out, whatever comes of it."""
    deployment = Deployment(request.stack, file=request.file)
    record = Record(stack=request.stack, action=request.action, candidate=_unknown(deployment))
    with tempfile.TemporaryDirectory() as folder:
        try:
            candidate = _candidate(request, deployment, record, Path(folder))
        except FAILURES as error:
            return _refused(request, deployment, record, str(error).splitlines())
        try:
            with _lease_of(deployment, record, request.wait_s, promised=request.promised) as run:
                try:
                    _require_place(deployment)
                    with record.check("nodes and GPUs") as unknown:
                        unknown.extend(require_nodes(deployment.config, deployment.cluster))
                    run.prepare_way_back()
                    candidate.prepare(record)
                except FAILURES as error:
                    return run.refuse(str(error).splitlines())
                return run.carry_out(candidate, candidate.values)
        except FAILURES as error:
            return _close_refused(record, str(error).splitlines())


def _promised(source: str, deployment: Deployment) -> tuple[Promised, dict[str, Any]]:
    """What a promotion promises, and the configuration that it deploys."""
    commit = commit_of_checkout(deployment.environment, input_files(deployment.config))
    release = _releases(Deployment(source)).last()
    if release is None:
        raise RefusedError(
            f"stack {source} has no proven release to promote; accepted: one that a gate has proven; "
            f"make gate STACK={source}"
        )
    promised = promised_from_release(release, deployment.config, commit=commit)
    say(announcement(promised, deployment.config))
    return promised, promoted_values(promised, deployment.values.values)


def _require_place(deployment: Deployment) -> None:
    """See that the stack stays where its releases are.

    Raises:
        RefusedError: it is deployed in another namespace.
    """
    stack, namespace = deployment.stack, deployment.namespace
    if not deployment.pulumi.exists():
        return
    try:
        there = deployment.pulumi.outputs()["namespace"]
    except DeployError:
        return  # it was never deployed whole
    if there != namespace:
        raise RefusedError(
            f"stack {stack} is deployed in namespace {there}, and its file says {namespace}; accepted: {there}, where "
            f"its releases are; another stack, or make destroy STACK={stack} first"
        )


def _candidate(request: Request, deployment: Deployment, record: Record, folder: Path) -> Candidate:
    """Check all that can be checked before the stack is one's own."""
    with record.check("configuration"):
        _ = deployment.config
    with record.check("checkout and machine"):
        promised = request.promised
        source = promised.subject.stack if promised and promised.pinned else None
        candidate = candidate_from_checkout(deployment, request.file, folder, promoted_from=source)
        record.candidate = candidate.subject
    with record.check("cluster and images"), deployment.exclusive(patience_s=request.wait_s):
        deployment.make_ready()
    return candidate


def _refused(request: Request, deployment: Deployment, record: Record, reasons: Sequence[str]) -> Status:
    """Refuse what can't be deployed; what an interrupted run has left is put right all the same."""
    try:
        if begun_on(deployment.cluster) is None:
            return _close_refused(record, reasons)
        with _lease_of(deployment, record, request.wait_s) as run:
            return run.refuse(reasons)
    except FAILURES as error:
        return _close_refused(record, [*reasons, str(error)])


def _close_refused(record: Record, reasons: Sequence[str]) -> Status:
    return closed(record.evidence(Verdict(status=1, reasons=tuple(reasons))))


@contextmanager
def _lease_of(
    deployment: Deployment, record: Record, wait_s: float, *, promised: Promised | None = None
) -> Iterator[GateRun]:
    """Hold a stack while a run lasts."""
    cluster = deployment.cluster
    releases = _releases(deployment)
    with held_lease(cluster, record.run, wait_s=wait_s, say=say) as lease:
        record.identify()
        if lease.begun is not None:
            deployment.pulumi.cancel()
        last = releases.last()
        record.previous = last.subject if last else None
        yield GateRun(
            deployment=deployment,
            lease=lease,
            releases=releases,
            last=last,
            record=record,
            programs=state_folder(os.environ) / "programs" / short_name(record.stack),
            settings=_settings(deployment),
            promised=promised,
        )


def _settings(deployment: Deployment) -> Gate:
    """The group `gate`; where it can't be read, what holds without it."""
    try:
        return Gate.model_validate(deployment.values.values.get(_GATE, {}))
    except (*FAILURES, ValueError):
        return Gate()


def _unknown(deployment: Deployment) -> Subject:
    """What is known of a candidate before its configuration is checked."""
    return Subject(commit="", stack=deployment.stack, namespace=deployment.namespace, plan_id="", model_name="")


def _releases(deployment: Deployment) -> Releases:
    return Releases(cluster=deployment.cluster, key=deployment.namespace, stack=deployment.stack)


def _file_of(stack: str) -> Path:
    return ROOT / file_name(stack)


@contextmanager
def _stack_file(deployment: Deployment, values: dict[str, Any]) -> Iterator[Path]:
    """A stack's file for as long as it is needed; its name is the stack's, for messages and for Pulumi."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / file_name(deployment.stack)
        write_values(file, values, secret_values(deployment.values), lambda: deployment.pulumi)
        yield file
