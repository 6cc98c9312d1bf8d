"""One update of a stack: watched, ended early where it can't succeed, and its failure in Kubernetes' own words."""

import sys
import tempfile
from pathlib import Path

from deploy.cluster import Cluster
from deploy.commands import output_of
from deploy.errors import CommandFailedError, DeployError
from deploy.pulumi.conflicts import conflict_lines
from deploy.pulumi.engine_events import EngineEvents
from deploy.pulumi.stack import PulumiStack
from deploy.smoke import TRITON
from deploy.waits.reasons.reason import Part, Patience
from deploy.waits.watch import Watch, Watched
from infra.config import StackConfig
from infra.config.storages import claim_name

_ROLLOUT: frozenset[Part] = frozenset({"serving", "storage"})


def apply_update(
    config: StackConfig,
    pulumi: PulumiStack,
    cluster: Cluster,
    *,
    plan: Path | None = None,
    policy_pack: Path | None = None,
) -> None:
    """Run `pulumi up` until every pod is of the new release.

    Args:
        config: the stack's.
        pulumi: the stack, settled.
        cluster: where it is.
        plan: what a preview has saved, and what exactly is to be done.
        policy_pack: the rules that every resource is held to.

    Raises:
        DeployError: it was not deployed; Kubernetes' own reasons come first, a line each.
    """
    with tempfile.TemporaryDirectory() as folder:
        events = EngineEvents(file=Path(folder) / "events.json")
        rolls_out = False

        def awaited() -> frozenset[Part]:
            events.read()
            return _ROLLOUT if rolls_out else events.parts

        watched = watched_from_config(config, cluster)
        watch = Watch(stack=watched, awaited=awaited, write=sys.stderr.write)
        try:
            with watch.on():
                pulumi.up(plan=plan, policy_pack=policy_pack, events=events.file, started=watch.started)
                rolls_out = True
                _await_rollout(config, cluster, watch)
        except CommandFailedError as error:
            events.read()
            conflicts = conflict_lines(events.errors)
            why = conflicts or [reason.line for reason in watch.hopeless] or watched.last_words()
            raise DeployError("\n".join([*why, f"stack {config.stack} was not deployed: {error}"])) from error


def watched_from_config(config: StackConfig, cluster: Cluster) -> Watched:
    """Return a stack as it is watched.

    Args:
        config: the stack's.
        cluster: where it is.
    """
    timeouts = config.timeouts
    ending_s = timeouts.grace_s + timeouts.pre_stop_s  # a new pod may wait for what an old one holds
    return Watched(
        cluster=cluster,
        namespace=config.cluster.namespace,
        claim=claim_name(config.storage),
        patience=Patience(placement_s=timeouts.placement_s + ending_s, ending_s=ending_s),
    )


def _await_rollout(config: StackConfig, cluster: Cluster, watch: Watch) -> None:
    """Wait for the pods by Kubernetes' own word.

    Pulumi's Kubernetes provider may take an update for finished at once: the first thing that it sees can be the
    Deployment as it was before, all of whose pods are available.
    """
    timeout_s = config.timeouts.pulumi_rollout_s
    flags = (f"--namespace={config.cluster.namespace}", f"--timeout={timeout_s}s")
    command = cluster.kubectl_command("rollout", "status", TRITON, *flags)
    output_of(command, cluster.environment, timeout_s=timeout_s + 10, started=watch.started)
