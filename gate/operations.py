"""What the gate's command line does to a stack."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.commands import ROOT
from deploy.environment import state_folder
from deploy.errors import DeployError
from deploy.operations import Deployment, ensure_tools
from gate.candidate import Candidate, candidate_from_checkout, previewed
from gate.checkout import commit_of_checkout
from gate.errors import RefusedError
from gate.evidence import Evidence, Subject, Verdict
from gate.lease import begun_on, held_lease
from gate.preview_markdown import markdown_from_preview
from gate.promotion import Promised, announcement, promised_from_release
from gate.record import Action, Record
from gate.releases import Release, Releases
from gate.run import FAILURES, GateRun
from gate.verdict import Status, closed, say
from infra.config import Gate

_GATE = "densenet-triton:gate"
_MODEL = "densenet-triton:model"


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
    """Deploy what one stack has proven to another: the same plan, images and manifest.

    Raises:
        RefusedError: it can't be the same there.
    """
    deployment = Deployment(target)
    values = _values(_file_of(target))
    release = _releases(Deployment(source)).last()
    if release is None:
        raise RefusedError(
            f"stack {source} has no proven release to promote; accepted: one that a gate has proven; "
            f"make gate STACK={source}"
        )
    model = deployment.config.model
    commit = commit_of_checkout(deployment.environment, [model.labels, model.expect.image])
    promised = promised_from_release(release, deployment.config, values, commit=commit)
    say(announcement(promised, values))
    if promised.pinned:
        values[_MODEL] = {**values[_MODEL], "plan": release.subject.plan_id}
    with _stack_file(target, values) as file:
        return _deployed(Request(stack=target, file=file, action="promote", wait_s=wait_s, promised=promised))


def rollback(stack: str, to: str, *, wait_s: float) -> Status:
    """Deploy a kept release again and prove it.

    Raises:
        RefusedError: it is not kept.
    """
    deployment = Deployment(stack)
    ensure_tools(embedded=deployment.is_embedded)
    deployment.cluster.await_answer()
    release = _releases(deployment).get(to)
    record = Record(stack=stack, action="rollback", candidate=release.subject)
    with _lease_of(deployment, record, wait_s) as run:
        program = run.program_of(release)
        try:
            with record.check("program"):
                program.prepare()
        except FAILURES as error:
            return run.refuse(str(error).splitlines())
        return run.carry_out(program, release.config, restores=release.id)


def releases_of(stack: str) -> list[tuple[Release, Evidence]]:
    """Return a stack's kept releases, the newest first, each with the evidence of its run."""
    return _releases(Deployment(stack)).with_evidence()


def preview(stack: str) -> tuple[str, bool]:
    """Preview a stack with the policy pack; nothing is changed, and no cluster is needed.

    Returns:
        Markdown for a pull request, and whether the gate would accept it.
    """
    deployment = Deployment(stack)
    _ = deployment.config
    ensure_tools(embedded=deployment.is_embedded)
    with tempfile.TemporaryDirectory() as folder:
        found, forecast, failed = previewed(deployment, Path(folder))
    return markdown_from_preview(stack, found, forecast, accepted=failed is None), failed is None


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
                    candidate.prepare(record, orphaned=run.lease.begun is not None)
                except FAILURES as error:
                    return run.refuse(str(error).splitlines())
                return run.carry_out(candidate, candidate.values)
        except RefusedError as error:
            return _close_refused(record, str(error).splitlines())


def _candidate(request: Request, deployment: Deployment, record: Record, folder: Path) -> Candidate:
    """Check all that can be checked before the stack is one's own."""
    with record.check("configuration"):
        _ = deployment.config
    with record.check("checkout and machine"):
        candidate = candidate_from_checkout(deployment, request.file, folder)
        record.candidate = candidate.subject
    with record.check("cluster, nodes and GPUs"), deployment.exclusive(patience_s=request.wait_s):
        deployment.make_ready()
    return candidate


def _refused(request: Request, deployment: Deployment, record: Record, reasons: Sequence[str]) -> Status:
    """Refuse what can't be deployed; what an interrupted run has left is put right all the same."""
    try:
        if begun_on(deployment.cluster, deployment.cluster.config.namespace) is None:
            return _close_refused(record, reasons)
        with _lease_of(deployment, record, request.wait_s) as run:
            return run.refuse(reasons)
    except DeployError as error:
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
    with held_lease(cluster, cluster.config.namespace, record.run, wait_s=wait_s, say=say) as lease:
        last = releases.last()
        record.previous = last.subject if last else None
        yield GateRun(
            deployment=deployment,
            lease=lease,
            releases=releases,
            record=record,
            programs=state_folder(os.environ) / "programs",
            settings=_settings(_file_of(record.stack)),
            promised=promised,
        )


def _settings(file: Path) -> Gate:
    """The group `gate`; where the file can't be read, what holds without it."""
    try:
        return Gate.model_validate(_values(file).get(_GATE, {}))
    except (OSError, ValueError, KeyError, yaml.YAMLError):
        return Gate()


def _unknown(deployment: Deployment) -> Subject:
    """What is known of a candidate before its configuration is checked."""
    return Subject(
        commit="", stack=deployment.stack, namespace=deployment.cluster.config.namespace, plan_id="", model_name=""
    )


def _releases(deployment: Deployment) -> Releases:
    return Releases(cluster=deployment.cluster, key=deployment.cluster.config.namespace, stack=deployment.stack)


def _file_of(stack: str) -> Path:
    return ROOT / f"Pulumi.{stack}.yaml"


def _values(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8"))["config"])


@contextmanager
def _stack_file(stack: str, values: dict[str, Any]) -> Iterator[Path]:
    """A stack's file for as long as it is needed; its name is the stack's, for messages and for Pulumi."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"Pulumi.{stack}.yaml"
        file.write_text(yaml.safe_dump({"config": values}), encoding="utf-8")
        yield file
