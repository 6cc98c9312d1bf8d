"""A build that a dead run has left: Pulumi does not know its Job, and could neither change nor replace it."""

import json
from collections.abc import Mapping
from typing import Any

from deploy.cluster import Cluster
from deploy.pulumi.drift import say
from infra.config import StackConfig
from infra.release import release_from_config

_JOB = "kubernetes:batch/v1:Job"
_GONE_S = 60


def end_unknown_build(config: StackConfig, state: Mapping[str, Any], cluster: Cluster) -> None:
    """Remove the Job of the plan that is to be built where it has not succeeded and is not in Pulumi's state.

    Its successor is made as the configuration says today. One that has succeeded is what Pulumi would make, and stays.

    Args:
        config: the stack's.
        state: what `pulumi stack export` printed.
        cluster: where the stack is.

    Raises:
        CommandFailedError: the cluster does not say, or the Job does not go.
    """
    name, namespace = f"plan-{release_from_config(config).plan_id}", config.cluster.namespace
    resources = state["deployment"].get("resources", [])
    if any(each["type"] == _JOB and each.get("id") == f"{namespace}/{name}" for each in resources):
        return
    where = f"--namespace={namespace}"
    found = cluster.kubectl("get", "job", name, where, "--ignore-not-found", "--output=json")
    if not found.strip() or json.loads(found).get("status", {}).get("succeeded"):
        return
    say(f"Job {namespace}/{name} is of a run that was cut off, and has not succeeded: it is removed, and made anew")
    removal = ("delete", "job", name, where, "--ignore-not-found", "--cascade=foreground", f"--timeout={_GONE_S}s")
    cluster.kubectl(*removal, timeout_s=_GONE_S + 10)
