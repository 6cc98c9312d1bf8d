"""What this checkout and a stack's file say, made ready, previewed, and deployed exactly as it was previewed."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.commands import ROOT
from deploy.errors import StepFailedError
from deploy.operations import Deployment
from gate.before.checkout import commit_of_checkout
from gate.before.forecast import Forecast, forecast_from_preview
from gate.before.preview import Preview, preview_from_events
from gate.cluster.releases import kept_values
from gate.cluster.storage import StorageJobs
from gate.errors import RefusedError
from gate.evidence.document import PolicyOutcome, Subject
from gate.evidence.record import Record
from gate.evidence.verdict import say
from infra.config import StackConfig
from infra.release import release_from_config

POLICY_PACK = ROOT / "policy"
_PATIENCE_S = 1800
_LITTLE_SPACE_BYTES = 128 << 20


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A release that is to be proven.

    Attributes:
        deployment: of its stack.
        commit: of this checkout.
        file: the stack's configuration.
        folder: the run's own, for the plan file and Pulumi's events.
        promoted_from: the stack that has proven its plan, if that is taken over as it is.
    """

    deployment: Deployment
    commit: str
    file: Path
    folder: Path
    promoted_from: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Its configuration, as a release keeps it."""
        return kept_values(self.deployment.values)

    @property
    def subject(self) -> Subject:
        """What is known of it before it is deployed."""
        config = self.deployment.config
        return Subject(
            commit=self.commit,
            stack=config.stack,
            namespace=config.cluster.namespace,
            plan_id=release_from_config(config).plan_id,
            model_name=config.model.name,
        )

    def prepare(self, record: Record) -> None:
        """Look at the cluster and the storage, preview, and refuse what would not go well.

        Args:
            record: where the findings go.

        Raises:
            RefusedError: a policy forbids it, or the preview fails.
            DeployError: the cluster or the state is not fit.
        """
        with self.deployment.exclusive(patience_s=_PATIENCE_S):
            with record.check("state"):
                self.deployment.settle()
            with record.check("storage"):
                self._require_storage()
            with record.check("preview"):
                self._preview(record)

    def apply(self) -> None:
        """Deploy exactly what was previewed.

        Raises:
            DeployError: it was not deployed; the pods' own reasons come first.
        """
        with self.deployment.exclusive(patience_s=_PATIENCE_S):
            self.deployment.apply(plan=self._plan, policy_pack=POLICY_PACK)

    def prove(self, junit: Path) -> None:
        """Run the smoke tests against the URL and every replica.

        Args:
            junit: the file that their report goes to.

        Raises:
            DeployError: a test failed.
        """
        self.deployment.prove(junit=junit)

    @property
    def _plan(self) -> Path:
        return self.folder / "plan.json"

    def _require_storage(self) -> None:
        storage = StorageJobs(self.deployment.config, self.deployment.cluster)
        if not storage.exists():
            return  # the first deployment makes it
        inventory = storage.inventory()
        plan, pinned = release_from_config(self.deployment.config).plan_id, self.deployment.config.model.plan
        if self.promoted_from and plan not in inventory.plans:
            raise RefusedError(
                f"plan {plan}, which {self.promoted_from} has proven, is not on this stack's storage; accepted: the "
                f"same storage for both stacks, or a copy of the folder repositories/{plan}; copy that, or correct "
                f"storage in {self.file.name}"
            )
        if pinned and plan not in inventory.plans:
            raise RefusedError(
                f"model.plan {plan!r} is pinned and not published on the storage; accepted: {_few(inventory.plans)}, or"
                f" no pin, so that it is built; correct {self.file.name}"
            )
        if plan not in inventory.plans and inventory.free_bytes < _LITTLE_SPACE_BYTES:
            raise RefusedError(
                f"storage: {inventory.free_bytes >> 20} MiB are free and plan {plan} is still to be built; accepted: at"
                f" least {_LITTLE_SPACE_BYTES >> 20} MiB; free some, or set gate.keepReleases lower in {self.file.name}"
            )

    def _preview(self, record: Record) -> None:
        preview, forecast, failed = previewed(self.deployment, self.folder, "--save-plan", str(self._plan))
        record.policies = policy_outcomes(preview)
        record.forecast = forecast.lines
        for line in forecast.lines:
            say(line)
        if reasons := refusals(preview, failed, record.stack):
            raise RefusedError("\n".join(reasons))


def previewed(deployment: Deployment, folder: Path, *flags: str) -> tuple[Preview, Forecast, StepFailedError | None]:
    """Preview a stack with the policy pack.

    Args:
        deployment: of the stack.
        folder: for Pulumi's events.
        flags: more of `pulumi preview`.

    Returns:
        What Pulumi said, what it means for traffic, and the error where it is not allowed.
    """
    events = folder / "events.json"
    failed: StepFailedError | None = None
    environment = {**deployment.environment, "PULUMI_DEBUG_COMMANDS": "1"}  # or it has no --event-log
    try:
        replace(deployment.pulumi, environment=environment, display=sys.stderr).preview(
            "--policy-pack", str(POLICY_PACK), "--event-log", str(events), *flags
        )
    except StepFailedError as error:
        failed = error
    preview = preview_from_events(events.read_text(encoding="utf-8").splitlines() if events.exists() else [])
    return preview, forecast_from_preview(preview, deployment.config), failed


def refusals(preview: Preview, failed: StepFailedError | None, stack: str) -> list[str]:
    """Why a gate deploys nothing of what was previewed: a line each, none where it does.

    Args:
        preview: what Pulumi said.
        failed: the preview's error, if it ended with one.
        stack: its name.
    """
    return list(_refusals(preview, failed, stack))


def _refusals(preview: Preview, failed: StepFailedError | None, stack: str) -> Iterator[str]:
    yield from (f"policy {each.name}: {each.message}" for each in preview.violations)
    if failed and not preview.violations:
        yield from preview.errors or [str(failed)]
    if not failed and not preview.rules:
        yield "the policy pack was not run; accepted: a deployment that it has judged; make tools"
    if preview.deleted_again:
        names = ", ".join(name for _, name in preview.deleted_again)
        yield (
            f"the update would delete again what it makes: {names}; accepted: a state without pending deletions of "
            f'them; eval "$(make env STACK={stack})" && pulumi refresh, then run the gate again'
        )


def policy_outcomes(preview: Preview) -> tuple[PolicyOutcome, ...]:
    """What the policy pack found, as evidence."""
    return tuple(
        PolicyOutcome(policy=each.name, level=each.level, resource=each.resource, message=each.message)
        for each in preview.policies
    )


def candidate_from_checkout(
    deployment: Deployment, file: Path, folder: Path, *, promoted_from: str | None = None
) -> Candidate:
    """Read what is to be deployed, and look whether this machine and the cluster can.

    Args:
        deployment: of the stack.
        file: its configuration.
        folder: the run's own.
        promoted_from: the stack that has proven its plan, if that is taken over as it is.

    Raises:
        RefusedError: the checkout has what no commit holds.
        DeployError: the cluster does not answer, or lacks nodes or GPUs.
        InfraError: the configuration has faults.
    """
    commit = commit_of_checkout(deployment.environment, input_files(deployment.config))
    deployment.check()
    return Candidate(deployment=deployment, commit=commit, file=file, folder=folder, promoted_from=promoted_from)


def input_files(config: StackConfig) -> list[Path]:
    """The files that a model's configuration names: its labels, and the pictures that are no URL's."""
    expect = config.model.expect
    pictures = [expect.image, expect.other_image, *(answer.image for answer in expect.also)]
    return [config.model.labels, *(picture for picture in pictures if isinstance(picture, Path))]


def _few(plans: tuple[str, ...]) -> str:
    return ", ".join(plans[:4]) or "none is published"
