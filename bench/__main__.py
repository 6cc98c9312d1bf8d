"""`python -m bench`: measure every budget on a cluster of its own, print the table, exit 1 where one is not kept.

With BENCH_BASE=commit, `make up` on nothing changed is measured in turn with the same of that commit, on a cluster of
its own; the programs and images that the commit wants are made first, where the caches lack them.
"""

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.budgets import (
    POD_AGAINST_RUNTIME,
    PREVIEW_UNCHANGED,
    SECURE_URL_AGAINST_POD,
    UP_FROM_NOTHING,
    UP_UNCHANGED,
    UP_WITH_PLAN,
    URL_AGAINST_POD,
    Budget,
    Measurement,
    table,
)
from bench.cost import cpu_medians_s, is_unchanged, loop_s
from bench.densenet import densenet_onnx
from bench.latency import Visitor, medians_s, runtime_call, triton_call
from bench.workspace import Workspace, workspace_in, workspace_of_commit
from contract.digest import sha256_of_file
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value
from contract.served import DEFAULT_SIDE, MODEL_FILE, MODEL_VERSION
from local_cluster.layout import layout_from_name
from model_build.adapt import original_from_onnx
from model_build.verify import golden_input_from_file, manifest_from_repository

_CLUSTER = "embedded-bench"
_BASE_CLUSTER = "embedded-bench-base"
_STACK = "bench"
_BUILD_S = 7200


def main() -> int:
    """Measure and print; the cluster is removed at the end, whatever happens."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = workspace_in(Path(folder), _CLUSTER)
        workspace.write_stack(_STACK)
        try:
            measurements = _measure(workspace)
        finally:
            workspace.make("down", f"STACK={_STACK}")
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, {loop_s():.2f} s for ten million additions\n")
    print(table(measurements))
    return 0 if all(each.passed for each in measurements) else 1


def _measure(workspace: Workspace) -> list[Measurement]:
    _made(workspace, "up", timeout_s=_BUILD_S)  # whatever must be built is built now
    _made(workspace, "down")
    measurements = [_timed(workspace, UP_FROM_NOTHING, "up")]
    measurements += [*_unchanged(workspace), _timed(workspace, PREVIEW_UNCHANGED, "preview")]
    measurements += _latencies(workspace)
    _made(workspace, "destroy")
    _run(workspace, ".venv/bin/python", "-m", "local_cluster", "--name", _CLUSTER, "down", "--keep-data")
    measurements.insert(1, _timed(workspace, UP_WITH_PLAN, "up"))
    return measurements


def _timed(workspace: Workspace, budget: Budget, verb: str) -> Measurement:
    print(f"measuring: {budget.what}", file=sys.stderr)
    start = time.monotonic()
    _made(workspace, verb)
    return Measurement(budget=budget, measured=time.monotonic() - start)


def _unchanged(workspace: Workspace) -> list[Measurement]:
    """Measure `make up` on nothing changed; it is a budget beside another commit's."""
    base = os.environ.get("BENCH_BASE")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        workspaces = {"here": workspace}
        if base:
            workspaces[base] = workspace_of_commit(base, Path(folder), _BASE_CLUSTER)
            workspaces[base].write_stack(_STACK)
            stack.callback(workspaces[base].make, "down", f"STACK={_STACK}")
            _made(workspaces[base], "up", timeout_s=_BUILD_S)
        print("measuring: make up again, nothing changed", file=sys.stderr)
        costs_s = cpu_medians_s({name: functools.partial(_made_again, each) for name, each in workspaces.items()})
    for name, cost_s in costs_s.items():
        print(f"  {name}: {cost_s:.2f} CPU seconds", file=sys.stderr)
    return [Measurement(budget=UP_UNCHANGED, measured=costs_s["here"] / costs_s[base])] if base else []


def _made_again(workspace: Workspace) -> None:
    said = _made(workspace, "up")
    if not is_unchanged(said):
        sys.exit(f"make up, with nothing changed, has changed something:\n{said}")


def _made(workspace: Workspace, verb: str, *more: str, timeout_s: float = 900) -> str:
    result = workspace.make(verb, f"STACK={_STACK}", *more, timeout_s=timeout_s)
    if result.returncode != 0:
        sys.exit(f"make {verb} failed, so nothing can be measured:\n{result.stdout}{result.stderr}")
    return result.stdout.strip()


def _latencies(workspace: Workspace) -> list[Measurement]:
    """Time requests about one picture to the quick start's network, whose budgets these are.

    What a server and a gateway add to a request is the same for every model: beside `dev`'s, which takes a tenth of the
    time, it is as much as the model itself.
    """
    print("measuring: requests to a DenseNet-121", file=sys.stderr)
    densenet = _densenet(workspace.folder)
    workspace.write_stack(_STACK, model=densenet)
    _made(workspace, "up")
    url = _made(workspace, "url")
    plan = _run(workspace, "pulumi", "stack", "output", "planId").strip()
    repository = layout_from_name(_CLUSTER).storage / "repositories" / plan
    manifest = manifest_from_repository(repository)
    model = manifest.model
    tensor = golden_input_from_file(repository / manifest.golden.pictures[0].input_file, manifest.shape)
    pod = triton_call(f"http://{_pod_address(workspace, plan)}:8080", model, tensor)
    medians = _shown_medians_s(
        {
            "url": triton_call(url, model, tensor),
            "pod": pod,
            "runtime": runtime_call(repository / model / MODEL_VERSION / MODEL_FILE, tensor),
        }
    )
    secure_url, visitor = _behind_a_door(workspace, densenet)
    secure = _shown_medians_s({"secure url": triton_call(secure_url, model, tensor, visitor), "pod": pod})
    workspace.write_stack(_STACK)
    return [
        Measurement(budget=URL_AGAINST_POD, measured=medians["url"] / medians["pod"]),
        Measurement(budget=SECURE_URL_AGAINST_POD, measured=secure["secure url"] / secure["pod"]),
        Measurement(budget=POD_AGAINST_RUNTIME, measured=medians["pod"] / medians["runtime"]),
    ]


def _shown_medians_s(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    medians = medians_s(calls)
    for name, seconds in medians.items():
        print(f"  {name}: {seconds * 1000:.2f} ms", file=sys.stderr)
    return medians


def _behind_a_door(workspace: Workspace, model: dict[str, Any]) -> tuple[str, Visitor]:
    """Give the same stack HTTPS and a client with a key; its pods stay."""
    print("measuring: the same with TLS and a key", file=sys.stderr)
    port = layout_from_name(_CLUSTER).secure_gateway_port
    workspace.write_stack(_STACK, model=model, endpoint={"port": port, "tls": {"local": True}})
    key = _made(workspace, "client", "ADD=bench")
    _made(workspace, "up")
    authority = Path(_run(workspace, "printenv", "DENSENET_TRITON_CA").strip())
    return _made(workspace, "url"), Visitor(authority=authority, client="bench", key=key)


def _densenet(folder: Path) -> dict[str, Any]:
    """Write the model into a folder; its weights are random, so that it is expected to say what it says by itself."""
    onnx, mug = densenet_onnx(), Path("smoke_tests/data/mug.png")
    path = folder / "densenet.onnx"
    path.write_bytes(onnx)
    picture = picture_from_bytes((folder / mug).read_bytes(), name=str(mug))
    tensor = tensor_from_picture(picture, preprocessing_from_value("imagenet", (3, DEFAULT_SIDE, DEFAULT_SIDE)))
    (class_index,) = original_from_onnx(onnx, name="DenseNet-121").scores(tensor[np.newaxis]).argmax(axis=1)
    return {
        "source": {"kind": "onnx", "url": path.as_uri(), "sha256": sha256_of_file(path)},
        "preprocessing": "imagenet",
        "expect": {"image": str(mug), "class": int(class_index)},
    }


def _pod_address(workspace: Workspace, plan: str) -> str:
    """The address of the pod that serves a plan, beside which the one before may still be ending."""
    kubeconfig = layout_from_name(_CLUSTER).kubeconfig
    selector = f"app.kubernetes.io/name=triton,densenet-triton/plan={plan}"
    query = ("get", "pods", f"--selector={selector}", "--output=jsonpath={.items[0].status.podIP}")
    return _run(workspace, "kubectl", f"--kubeconfig={kubeconfig}", f"--namespace=triton-{_STACK}", *query)


def _run(workspace: Workspace, *command: str) -> str:
    """Run a program in the workspace, with the tools on PATH, and return what it prints."""
    shell = 'eval "$(make env STACK="$0")" && exec "$@"'
    return subprocess.run(
        ["bash", "-c", shell, _STACK, *command],
        cwd=workspace.folder, env=workspace.environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
