"""One run of the gate: a candidate is deployed and proven, or the last good release is put back and proven again."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from deploy.enforcement import trial
from deploy.errors import CommandFailedError, DeployError, LeaseLostError, StepFailedError
from deploy.lease import Lease
from deploy.operations import Deployment
from gate.before.checkout import remove_programs
from gate.before.promotion import Promised
from gate.cluster.claims import prune_claims
from gate.cluster.facts import subject_from_cluster
from gate.cluster.observation import first_ready, phases_of_run, pods_and_nodes
from gate.cluster.releases import Release, Releases, declared
from gate.cluster.storage import StorageJobs
from gate.errors import GateError, WrongAnswerError
from gate.evidence.differences import differences
from gate.evidence.document import Evidence, PolicyOutcome, Verdict, json_from_evidence
from gate.evidence.record import Record
from gate.evidence.verdict import Status, closed, say
from gate.program import ReleaseProgram
from gate.proof import Provable, prove
from gate.standing import WAY_CLOSED, Standing, not_back, nothing_to_go_back_to
from infra.config import Gate
from infra.errors import InfraError
from infra.pods import DEFAULT_DENY

_ATTEMPTS = 2
_ANSWER_S = 300
_LOOK_S = 2
_ENFORCED = "network-policies-enforced"

FAILURES = (DeployError, GateError, InfraError, OSError)
"""What can end a deployment otherwise than well; all of it is answered by putting the last good release back."""


class Deployable(Provable, Protocol):
    """What a run deploys and proves: a checkout's candidate, or a kept release."""

    def apply(self) -> None:
        """Deploy it."""


@dataclass(kw_only=True)
class GateRun:
    """One run on one stack, whose lease it holds.

    Attributes:
        deployment: of the stack.
        lease: held.
        releases: the stack's.
        last: the last good one of them, if there is one.
        record: of this run.
        programs: the folder of kept releases' programs.
        settings: the configuration's group `gate`.
        promised: what a promotion has promised to deploy.
    """

    deployment: Deployment
    lease: Lease
    releases: Releases
    last: Release | None
    record: Record
    programs: Path
    settings: Gate
    promised: Promised | None = None
    _ready_at: datetime | None = field(default=None, init=False)
    _standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        self._standing = Standing(deployment=self.deployment)

    def prepare_way_back(self) -> None:
        """See that the last good release can be put back before anything is changed.

        Raises:
            FailedError: its commit is not in this clone.
            StepFailedError: its packages or its tools could not be installed.
        """
        if self.last is not None:
            with self.record.check("way back"):
                self.program_of(self.last).prepare()
                self._standing.begin()

    def carry_out(self, candidate: Deployable, values: Mapping[str, Any], *, restores: str | None = None) -> Status:
        """Deploy a candidate, prove it twice, and keep it as a release; or put the last good one back.

        Args:
            candidate: prepared.
            values: its configuration.
            restores: the id of the release that it is, if it is one.
        """
        last, subject = self.last, self.record.candidate
        if last:
            self.record.differences = differences(declared(last.subject, last.config), declared(subject, values))
        try:
            self.lease.begin(f"commit {subject.commit[:12]}, plan {subject.plan_id}")
            evidence = self._proven(candidate, values, restores)
        except LeaseLostError as error:
            return self.close(3, [str(error)])
        except FAILURES as error:
            if changed := self._standing.changed():  # what is there is theirs, and so is what comes of it
                self._end()
                return self.close(3, list(dict.fromkeys([*str(error).splitlines(), str(changed)])))
            return self.restore(last, str(error).splitlines(), failure=error)
        except KeyboardInterrupt:
            self.close(130, [f"interrupted while deploying {self.lease.begun}"])
            raise
        self._end()
        self._forget_old()
        return closed(evidence)

    def refuse(self, reasons: Sequence[str]) -> Status:
        """End without having changed anything; what an interrupted run has left is put right all the same."""
        if self.lease.begun is None:
            return self.close(1, reasons)
        said = f"an earlier run was interrupted while it deployed {self.lease.begun}"
        return self.restore(self.last, [*reasons, said])

    def restore(self, release: Release | None, reasons: Sequence[str], *, failure: Exception | None = None) -> Status:
        """Put a release back and prove it again; where that can't be done, what was found wrong serves no more.

        Args:
            release: the last good one, if there is one.
            reasons: why the candidate does not stay.
            failure: that ended its deployment, if it was deployed.
        """
        stack = self.record.stack
        wrong, served = isinstance(failure, WrongAnswerError), not isinstance(failure, WAY_CLOSED)
        say("\n" + "\n".join(reasons))
        if release is None:
            cure = nothing_to_go_back_to(stack, failure)
            served_s = self._served_s() if served else None
            return self.close(3, [*reasons, *self._standing.end(wrong=wrong), cure], served_s=served_s)
        say(f"putting release {release.id} back (commit {release.subject.commit[:12]}, plan {release.subject.plan_id})")
        try:
            self.lease.renew()
            self._put_back(release)
        except LeaseLostError as error:
            return self.close(3, [*reasons, str(error)])
        except FAILURES as error:
            served_s = self._served_s() if served else None
            left = self._standing.end(wrong=wrong)
            return self.close(3, [*reasons, *left, not_back(release.id, stack, error)], served_s=served_s)
        except KeyboardInterrupt:
            self.close(130, [*reasons, f"interrupted while release {release.id} was put back"])
            raise
        served_s = self._served_s() if served else None
        self._end()
        return self.close(2, reasons, serving=release.id, served_s=served_s)

    def close(
        self, status: Status, reasons: Sequence[str], *, serving: str | None = None, served_s: float | None = None
    ) -> Status:
        """Write the evidence and say the verdict."""
        verdict = Verdict(status=status, reasons=tuple(reasons), serving=serving, served_s=served_s)
        return closed(self.record.evidence(verdict))

    def program_of(self, release: Release) -> ReleaseProgram:
        """The program that deploys a release again."""
        return ReleaseProgram(
            release=release,
            folder=self.programs,
            kubeconfig=self.deployment.cluster.config.kubeconfig_path,
            deployment=self.deployment,
            embedded=self.deployment.is_embedded,
            lease=self.lease.holder,
        )

    def _proven(self, candidate: Deployable, values: Mapping[str, Any], restores: str | None) -> Evidence:
        """Deploy a candidate, prove it twice, and keep it as a release."""
        plan_id = self.record.candidate.plan_id
        self._deploy(candidate)
        self._standing.note(plan_id)
        if self.promised is not None:
            self.promised.require(self.record.candidate)
        prove(candidate, "after", keep=self.record.smoke.append)
        self._try_policies()
        self._observe()
        self._pause()
        prove(candidate, "after the pause", keep=self.record.smoke.append)
        release = Release(id=self.record.run, subject=self.record.candidate, config=dict(values), restores=restores)
        if self.last:
            self.record.differences = differences(self.last.facts, release.facts)
        evidence = self.record.evidence(Verdict(status=0, serving=release.id))
        self.lease.renew()
        self._standing.require_unchanged()
        self.releases.add(release, json_from_evidence(evidence))
        return evidence

    def _deploy(self, candidate: Deployable) -> None:
        try:
            with self.record.deploying():
                candidate.apply()
        finally:
            self._observe()

    def _try_policies(self) -> None:
        """Note where the cluster lets in whom the stack's NetworkPolicies keep out; nothing here may end the run."""
        try:
            with trial(self.deployment.config, self.deployment.cluster, again=True) as verdict:
                line = verdict()
        except FAILURES as error:  # today's file has faults, which stand in no way back
            say(f"whether NetworkPolicies are enforced was not tried: {error}")
            return
        if line:
            say(line)
            found = PolicyOutcome(policy=_ENFORCED, level="advisory", resource=DEFAULT_DENY, message=line)
            self.record.policies = (*self.record.policies, found)

    def _pause(self) -> None:
        pause_s = self.settings.pause_s
        say(f"proven; once more after a pause of {pause_s} s")
        threading.Event().wait(pause_s)

    def _put_back(self, release: Release) -> None:
        """Deploy a release again, and once more where the cluster was away meanwhile."""
        program = self.program_of(release)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._await_answer()
                program.prepare()
                program.apply()
            except StepFailedError:
                if attempt == _ATTEMPTS:
                    raise
            else:
                break
        Standing(deployment=self.deployment).note(release.subject.plan_id)
        prove(program, "restored", keep=self.record.smoke.append)

    def _await_answer(self) -> None:
        """Wait for an API server that is away; an embedded cluster is healed by the deployment itself."""
        deadline = time.monotonic() + _ANSWER_S
        while not self.deployment.is_embedded:
            try:
                self.deployment.cluster.await_answer()
                break
            except DeployError:
                if time.monotonic() >= deadline:
                    raise
            threading.Event().wait(_LOOK_S)

    def _observe(self) -> None:
        """Note what runs now and how long its parts took; it only looks, so that nothing here may end the run."""
        try:
            outputs = self.deployment.pulumi.outputs()
            pods, nodes = pods_and_nodes(self.deployment.cluster, outputs["namespace"])
            self._ready_at = self._ready_at or first_ready(pods, self.record.started_at)
            self.record.phases = phases_of_run(self.deployment.cluster, outputs, pods, self.record)
            if self.record.deployment and self.record.deployment.outcome == "succeeded":
                subject = self.record.candidate
                self.record.candidate = subject_from_cluster(
                    commit=subject.commit, stack=subject.stack, outputs=outputs, pods=pods, nodes=nodes
                )
        except Exception as error:  # noqa: BLE001 - as the docstring says
            say(f"what runs could not be looked at: {error}")

    def _served_s(self) -> float | None:
        """How long a pod of the candidate could have got traffic, in seconds, by the cluster's clock and this one."""
        since = self._ready_at
        return None if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())

    def _end(self) -> None:
        """Remember that what was begun has been ended; where that can't be written, the next run only does more."""
        try:
            self.lease.end()
        except (CommandFailedError, LeaseLostError) as error:
            say(f"the lease could not be updated: {error}")

    def _forget_old(self) -> None:
        """Keep as many releases as the configuration says, their programs and their plans; the rest goes."""
        try:
            releases = self.releases.all()
            kept = releases[: self.settings.keep_releases]
            self.releases.remove(releases[len(kept) :])
            remove_programs(self.programs, [release.subject.commit for release in kept])
            pruned = StorageJobs(self.deployment.config, self.deployment.cluster).prune(
                list(dict.fromkeys(release.subject.plan_id for release in kept))
            )
            if pruned.pruned:
                say(f"pruned plans: {', '.join(pruned.pruned)}")
            claims = prune_claims(self.deployment.config, self.deployment.cluster, [each.config for each in kept])
            if claims:
                say(f"removed claims that no kept release needs: {', '.join(claims)}")
        except FAILURES as error:
            say(f"old releases were not pruned: {error}; the next gate tries again")
