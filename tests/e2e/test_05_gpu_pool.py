"""A stack of H800 replicas on a node pool that grows from nothing, with the real Karpenter and simulated nodes.

Pods on simulated nodes run nothing: where the plan's build would have published a manifest, the test does.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bench.workspace import Workspace
from local_cluster.awaiting import await_condition
from tests.cluster.driver import ClusterDriver
from tests.e2e.simulated_pool import NODE_CLASS, SimulatedPool, simulated_pool
from tests.e2e.test_01_up import plain_pulumi
from tests.e2e.test_03_faults import failed_up

NAMESPACE = "triton-h800"
POOL = {
    "kind": "karpenter",
    "nodeClass": NODE_CLASS,
    "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}],
    "gpuProduct": "NVIDIA-H800",
    "gpuLimit": 2,
    "consolidateAfter": "3s",
}

TWO = {"replicas": 2, "resources": {"cpu": "1", "memory": "2Gi", "memoryLimit": "4Gi"}}
STORAGE = {"kind": "nfs", "server": "nfs.example", "path": "/models"}


@pytest.fixture(scope="module")
def pool(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedPool]:
    with simulated_pool(ClusterDriver(workspace.cluster), tmp_path_factory.mktemp("simulation")) as simulation:
        yield simulation
    workspace.git("checkout", "copied", "--", "Pulumi.h800.yaml")  # h800-patched is laid over it


def write_stack(workspace: Workspace, **changes: dict[str, Any]) -> None:
    """The committed stack `h800`, on the simulated pool, with a storage that any node could mount."""
    workspace.write_stack("h800", base="h800", **({"nodePool": POOL, "storage": STORAGE} | changes))


@contextmanager
def pulumi_up(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """`pulumi up` while the test does what simulated pods can't."""
    command = 'eval "$(make env STACK=h800)" && exec pulumi --non-interactive up --yes --skip-preview'
    with subprocess.Popen(
        ["bash", "-c", command], cwd=workspace.folder, env=workspace.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()


def publish_plan(pool: SimulatedPool, job: str) -> None:
    """Do what the build would have done: report a manifest, and succeed."""
    data = {"manifest.json": json.dumps({"planId": job.removeprefix("plan-")})}
    namespace = f"--namespace={NAMESPACE}"
    pool.cluster.kubectl("patch", "configmap", job, namespace, f"--patch={json.dumps({'data': data})}")
    pool.finish_job(NAMESPACE, job)


def pods(pool: SimulatedPool, selector: str) -> list[dict[str, Any]]:
    """The stack's pods that are meant to stay."""
    listed = pool.cluster.kubectl("get", "pods", f"--namespace={NAMESPACE}", f"--selector={selector}", "--output=json")
    items: list[dict[str, Any]] = json.loads(listed)["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def replicas(pool: SimulatedPool) -> dict[str, str]:
    """The node of each replica that is Ready, by the pod's name."""
    return {
        pod["metadata"]["name"]: pod["spec"]["nodeName"]
        for pod in pods(pool, "app.kubernetes.io/name=triton")
        if any(found["type"] == "Ready" and found["status"] == "True" for found in pod["status"]["conditions"])
    }


def running_build(pool: SimulatedPool, process: subprocess.Popen[str]) -> dict[str, Any]:
    """The build's pod, once it runs."""

    def not_yet() -> str | None:
        assert process.poll() is None, process.communicate()[0]
        found = pods(pool, "app.kubernetes.io/name=plan-build")
        return None if [pod for pod in found if pod["status"]["phase"] == "Running"] else f"pods: {len(found)}"

    await_condition("the build to run on a node of the pool", not_yet, deadline_s=90)
    return next(pod for pod in pods(pool, "app.kubernetes.io/name=plan-build") if pod["status"]["phase"] == "Running")


@pytest.mark.parametrize(("stack", "rollout", "resources"), [("h800", "replace", 35), ("h800-patched", "surge", 33)])
def test_the_committed_stacks_preview_without_a_cluster(
    workspace: Workspace, stack: str, rollout: str, resources: int
) -> None:
    result = workspace.make("preview", f"STACK={stack}")

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{resources} to create" in result.stdout
    assert f"rollout: {rollout}" in result.stdout


def test_the_pool_grows_from_nothing_and_holds_build_and_triton(workspace: Workspace, pool: SimulatedPool) -> None:
    write_stack(workspace)
    assert pool.nodes(NAMESPACE) == []

    with pulumi_up(workspace) as process:
        build = running_build(pool, process)
        assert [build["spec"]["nodeName"]] == pool.nodes(NAMESPACE)
        publish_plan(pool, build["metadata"]["labels"]["job-name"])
        output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output
    assert "rollout: replace" in output
    assert set(replicas(pool).values()) == set(pool.nodes(NAMESPACE))
    (node,) = pool.nodes(NAMESPACE)
    labels = json.loads(pool.cluster.kubectl("get", "node", node, "--output=json"))["metadata"]["labels"]
    assert labels["node.kubernetes.io/instance-type"] == "h800-1x"


def test_a_second_replica_adds_a_node(workspace: Workspace, pool: SimulatedPool) -> None:
    first = replicas(pool)
    write_stack(workspace, serving={"replicas": 2})

    plain_pulumi(workspace, "h800", "up --yes --skip-preview")

    assert first.items() <= replicas(pool).items()
    assert len(set(replicas(pool).values())) == 2
    assert set(replicas(pool).values()) == set(pool.nodes(NAMESPACE))


def test_a_third_past_the_limit_is_refused_and_two_go_on(workspace: Workspace, pool: SimulatedPool) -> None:
    before = replicas(pool)
    write_stack(workspace, serving={"replicas": 3})

    stderr = failed_up(workspace, "h800")

    assert "nodePool.gpuLimit is 2, and 3 replicas x 1 + 0 spare are 3 GPUs" in stderr
    assert replicas(pool) == before


def test_karpenter_holds_the_limit(pool: SimulatedPool) -> None:
    """Whoever asks the pool for a third GPU waits."""
    pool.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "one-too-many", "namespace": "default"},
            "spec": {
                "nodeSelector": {"karpenter.sh/nodepool": NAMESPACE},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
                "containers": [{"name": "c", "image": "none", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
            },
        }
    )
    await_event(pool, "one-too-many", "no instance type has enough resources")
    assert len(pool.nodes(NAMESPACE)) == 2
    pool.cluster.kubectl("delete", "pod", "one-too-many", "--namespace=default")


def await_event(pool: SimulatedPool, name: str, said: str) -> None:
    """Wait until Karpenter has said something of an object; those without a namespace have their events in default."""

    def not_yet() -> str | None:
        events = json.loads(pool.cluster.kubectl("get", "events", "--namespace=default", "--output=json"))["items"]
        messages = [event["message"] for event in events if event["involvedObject"]["name"] == name]
        return None if any(said in message for message in messages) else f"so far: {messages}"

    await_condition(f"Karpenter to say {said!r} of {name}", not_yet, deadline_s=60)


def test_a_rollout_at_the_limit_comes_to_its_end(workspace: Workspace, pool: SimulatedPool) -> None:
    before = replicas(pool)
    write_stack(workspace, serving=TWO)

    plain_pulumi(workspace, "h800", "up --yes --skip-preview")

    assert len(replicas(pool)) == 2
    assert not before.keys() & replicas(pool).keys()
    assert len(pool.nodes(NAMESPACE)) == 2


def test_a_plan_that_is_pinned_runs_no_build_at_the_limit(workspace: Workspace, pool: SimulatedPool) -> None:
    before, jobs = replicas(pool), uids_of_jobs(pool)
    write_stack(workspace, serving=TWO, model=pinned(pool))

    plain_pulumi(workspace, "h800", "up --yes --skip-preview")

    assert replicas(pool) == before
    assert uids_of_jobs(pool) == jobs


def uids_of_jobs(pool: SimulatedPool) -> str:
    return pool.cluster.kubectl("get", "jobs", f"--namespace={NAMESPACE}", "--output=jsonpath={.items[*].metadata.uid}")


def pinned(pool: SimulatedPool) -> dict[str, str]:
    """The plan that serves, pinned."""
    (job,) = pool.cluster.kubectl("get", "jobs", f"--namespace={NAMESPACE}", "--output=name").split()
    return {"plan": job.removeprefix("job.batch/plan-")}


def test_a_build_that_would_find_no_gpu_is_refused(workspace: Workspace, pool: SimulatedPool) -> None:
    before = replicas(pool)
    write_stack(workspace, serving={"replicas": 2}, model={"workspaceMib": 2048})

    stderr = failed_up(workspace, "h800")

    assert "the plan's build needs a GPU" in stderr
    assert replicas(pool) == before


def test_an_empty_node_goes_and_a_serving_one_stays(workspace: Workspace, pool: SimulatedPool) -> None:
    """The pool has changed, so that Karpenter would replace every node of it, beyond the limit even."""
    before = replicas(pool)
    changed = POOL | {"expireAfter": "700h"}
    model = pinned(pool)
    write_stack(workspace, serving=TWO, model=model, nodePool=changed)
    plain_pulumi(workspace, "h800", "up --yes --skip-preview")
    claims = ("nodeclaims", f"--selector=karpenter.sh/nodepool={NAMESPACE}")
    pool.cluster.kubectl("wait", *claims, "--for=condition=Drifted", "--timeout=60s")
    pool.await_replacement_of_drifted_nodes()
    assert replicas(pool) == before

    write_stack(workspace, serving=TWO | {"replicas": 1}, model=model, nodePool=changed)
    plain_pulumi(workspace, "h800", "up --yes --skip-preview")

    def not_yet() -> str | None:
        return None if len(pool.nodes(NAMESPACE)) == 1 else str(pool.nodes(NAMESPACE))

    await_condition("the empty node to go", not_yet, deadline_s=90)
    assert len(replicas(pool)) == 1
    assert replicas(pool).items() <= before.items()


def test_a_build_that_is_evicted_runs_again(workspace: Workspace, pool: SimulatedPool) -> None:
    write_stack(workspace, model={"workspaceMib": 2048})

    with pulumi_up(workspace) as process:
        build = running_build(pool, process)
        evict(pool, build["metadata"]["name"])
        again = running_build(pool, process)
        assert again["metadata"]["uid"] != build["metadata"]["uid"]
        publish_plan(pool, again["metadata"]["labels"]["job-name"])
        output, _ = process.communicate(timeout=180)

    assert process.returncode == 0, output
    assert len(replicas(pool)) == 1


def evict(pool: SimulatedPool, pod: str) -> None:
    """Evict a pod as a drained node does, and wait until it is gone."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": NAMESPACE},
    }
    pool.cluster.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))
    pool.cluster.kubectl("wait", "--for=delete", f"pod/{pod}", f"--namespace={NAMESPACE}", "--timeout=60s")


@pytest.mark.usefixtures("pool")
def test_a_node_class_that_does_not_exist(workspace: Workspace) -> None:
    missing = {"nodePool": POOL | {"nodeClass": NODE_CLASS | {"name": "nowhere"}}}
    workspace.write_stack("classless", base="h800", storage=STORAGE, **missing)

    stderr = failed_up(workspace, "classless")

    assert f"{NODE_CLASS['kind']}.{NODE_CLASS['group']} 'nowhere' is not there" in stderr


def test_a_selector_that_matches_no_node(workspace: Workspace) -> None:
    workspace.write_stack("nodeless", nodePool={"selector": {"kubernetes.io/arch": "s390x"}})

    stderr = failed_up(workspace, "nodeless")

    assert "no node matches kubernetes.io/arch=s390x" in stderr
    assert re.search(r"kubernetes\.io/arch: amd64 \(\d+\)", stderr), stderr


def test_a_product_that_no_node_has(workspace: Workspace) -> None:
    lost = {"kind": "existing", "gpuProduct": "NVIDIA-L4"}
    workspace.write_stack("productless", base="h800", storage=STORAGE, nodePool=lost)

    stderr = failed_up(workspace, "productless")

    assert "no node matches nvidia.com/gpu.product=NVIDIA-L4" in stderr
    assert re.search(r"nvidia\.com/gpu\.product: NVIDIA-H800 \(\d\)", stderr), stderr


def test_destroy_empties_the_pool(workspace: Workspace, pool: SimulatedPool) -> None:
    plain_pulumi(workspace, "h800", "destroy --yes")

    assert pool.nodes(NAMESPACE) == []
