"""A stack under the gate, driven as a pipeline drives it: by the command line and its exit status."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.workspace import ROOT, Workspace
from contract.packages import PACKAGES
from contract.preprocessing import preprocessing_from_value
from local_cluster.awaiting import await_condition
from model_build.verify import manifest_from_repository
from tests.cluster.driver import ClusterDriver
from tests.faults.account import Right
from tests.faults.load import Load, right_from_manifest, tensor_from_file

RATE_PER_S = 4
"""Little enough to leave two cores to the gate, and to the pods that it starts beside the one that answers."""

BASE: dict[str, dict[str, Any]] = {
    "serving": {"placementTimeoutS": 6, "startupTimeoutS": 16, "rolloutTimeoutS": 23},
    "model": {"buildTimeoutS": 180},
    "gate": {"pauseS": 2},
}
"""What makes a stack of these tests quick to fail: timeouts that a pod of this machine meets many times over."""

MODEL = "efficientnet_lite0"
PACKAGE = PACKAGES["efficientnet-lite0"]
"""What `dev` serves, and so every stack of these tests."""

_SERVERS = "app.kubernetes.io/name=triton"
_GATE_S = 900
_SETTLED = 5


@dataclass(frozen=True, kw_only=True)
class Gated:
    """How one run of the gate ended.

    Attributes:
        status: its exit status; negative where a signal ended it.
        said: all that it printed.
        verdict: of its evidence; empty where it left none.
        seconds: how long it took.
    """

    status: int
    said: str = field(repr=False)
    verdict: dict[str, Any]
    seconds: float

    @property
    def reason(self) -> str:
        """Its first reason, in one line: of the evidence, or else the first error that was printed."""
        errors = [line.removeprefix("error: ") for line in self.said.splitlines() if line.startswith("error: ")]
        return next(iter([*self.verdict.get("reasons", []), *errors]), "").partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.status}: {self.reason or ('proven' if self.status == 0 else 'ended by a signal')}"


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What serves: the release that the gate has proven last, and the plans of the pods that get traffic."""

    release: str
    plans: frozenset[str]

    def __str__(self) -> str:
        return f"release {self.release}, plan {', '.join(sorted(self.plans)) or 'none'}"


@dataclass(frozen=True, kw_only=True)
class GatedStack:
    """One stack.

    Attributes:
        workspace: a clone whose Python is installed.
        name: the stack's.
    """

    workspace: Workspace
    name: str

    @property
    def cluster(self) -> ClusterDriver:
        """The cluster that it is on."""
        return ClusterDriver(self.workspace.cluster)

    @property
    def namespace(self) -> str:
        """Where its pods are."""
        return f"triton-{self.name}"

    @property
    def url(self) -> str:
        """Where its clients go, as long as the cluster is the embedded one."""
        return f"{self.cluster.layout.gateway_url}/{self.namespace}"

    @property
    def storage(self) -> Path:
        """The storage's folder."""
        return self.cluster.layout.storage

    def configure(self, **changes: dict[str, Any]) -> None:
        """Write the stack's file: the quick base, and what is to be different this time, by group."""
        groups = {group: values | changes.get(group, {}) for group, values in BASE.items()}
        self.workspace.write_stack(self.name, base="dev", **{**changes, **groups})

    def gate(self) -> Gated:
        """Run the gate to its end."""
        with self.gating() as running:
            running.wait()
        return running.ended()

    @contextmanager
    def gating(self) -> Iterator["RunningGate"]:
        """Have a gate run in a process group of its own; it is awaited, and killed if need be, at the end."""
        log = self.workspace.folder.parent / f"gate-{self.name}-{time.monotonic_ns()}.log"
        known = self.evidence()
        command = [str(self.workspace.folder / ".venv/bin/python"), "-m", "gate", "run", "--stack", self.name]
        with log.open("w") as output, subprocess.Popen(
            command, cwd=self.workspace.folder, env=self.workspace.environment,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        ) as process:  # fmt: skip
            running = RunningGate(stack=self, process=process, log=log, known=known, start_s=time.monotonic())
            try:
                yield running
                running.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):  # it has ended, and all that it started
                    os.killpg(process.pid, signal.SIGKILL)

    def evidence(self) -> frozenset[Path]:
        """Return the files that its runs have left."""
        return frozenset((self.workspace.folder / "evidence" / self.name).glob("*/evidence.json"))

    def serving(self) -> Serving:
        """Look what the stack serves with."""
        releases = json.loads(
            self.cluster.kubectl(
                "get", "configmaps", "--namespace=densenet-triton-releases",
                f"--selector=densenet-triton/namespace={self.namespace}", "--output=json",
            )
        )["items"]  # fmt: skip
        names = sorted(release["metadata"]["name"].rpartition(".")[2].upper() for release in releases)
        return Serving(
            release=names[-1] if names else "none",
            plans=frozenset(pod["metadata"]["labels"]["densenet-triton/plan"] for pod in self.pods() if _is_ready(pod)),
        )

    def pod(self) -> dict[str, Any]:
        """Return the youngest of its Ready pods."""
        ready = [pod for pod in self.pods() if _is_ready(pod)]
        return max(ready, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def missing_mounts(self) -> set[str]:
        """Return what its Ready pods mount, and what is gone or going: without it none of them could start again."""
        there = {
            (each["kind"], each["metadata"]["name"])
            for each in json.loads(self._get("configmaps,persistentvolumeclaims"))["items"]
            if "deletionTimestamp" not in each["metadata"]
        }
        volumes = [volume for pod in self.pods() if _is_ready(pod) for volume in pod["spec"]["volumes"]]
        mounted = {("ConfigMap", volume["configMap"]["name"]) for volume in volumes if "configMap" in volume}
        claims = [volume["persistentVolumeClaim"] for volume in volumes if "persistentVolumeClaim" in volume]
        mounted |= {("PersistentVolumeClaim", claim["claimName"]) for claim in claims}
        return {f"{kind} {name}" for kind, name in mounted - there}

    def pods(self, selector: str = _SERVERS) -> list[dict[str, Any]]:
        """Return the pods of its namespace that carry a label, by default those of its servers."""
        items: list[dict[str, Any]] = json.loads(self._get("pods", f"--selector={selector}"))["items"]
        return items

    def jobs(self) -> frozenset[str]:
        """Return the names of its builds."""
        return frozenset(job["metadata"]["name"] for job in json.loads(self._get("jobs"))["items"])

    def right(self, plan: str) -> Right:
        """Return what a published plan answers to the mug."""
        manifest = manifest_from_repository(self.storage / "repositories" / plan)
        return right_from_manifest(manifest, (ROOT / "infra/data/imagenet_labels.txt").read_text().splitlines())

    def load(self, right: Right) -> Load:
        """Have clients ask the URL about the mug while the context lasts."""
        preprocessing = preprocessing_from_value(PACKAGE.preprocessing, (3, PACKAGE.side, PACKAGE.side))
        tensor = tensor_from_file(ROOT / "smoke_tests/data/mug.png", preprocessing)
        return Load(self.url, MODEL, right, tensor, rate_per_s=RATE_PER_S)

    def _get(self, *arguments: str) -> str:
        return self.cluster.kubectl("get", *arguments, f"--namespace={self.namespace}", "--output=json")


@dataclass(frozen=True, kw_only=True)
class RunningGate:
    """A gate that was started.

    Attributes:
        stack: the one that it works on.
        process: the head of its process group.
        log: what it prints.
        known: evidence that was there before it.
        start_s: when it was started, on the monotonic clock.
    """

    stack: GatedStack
    process: subprocess.Popen[bytes]
    log: Path
    known: frozenset[Path]
    start_s: float

    def wait(self) -> None:
        """Wait for its end."""
        self.process.wait(timeout=_GATE_S)

    def until(self, what: str, reason_it_is_not: Callable[[], str | None], *, deadline_s: float = 180) -> None:
        """Wait for something that happens while it runs; its own end is an error."""

        def reason() -> str | None:
            why = reason_it_is_not()
            assert why is None or self.process.poll() is None, f"it ended before {what}:\n{self.log.read_text()}"
            return why

        await_condition(what, reason, deadline_s=deadline_s)

    def ended(self) -> Gated:
        """Return how it ended."""
        (evidence,) = self.stack.evidence() - self.known or {None}
        return Gated(
            status=self.process.returncode,
            said=self.log.read_text(),
            verdict=json.loads(evidence.read_text())["verdict"] if evidence else {},
            seconds=time.monotonic() - self.start_s,
        )


def settle(load: Load, *, deadline_s: float = 60) -> None:
    """Wait until a load has got some more right answers."""
    wanted = load.right_answers + _SETTLED
    await_condition(
        "right answers",
        lambda: None if load.right_answers >= wanted else f"{load.right_answers} of {wanted}",
        deadline_s=deadline_s,
    )


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    leaving = "deletionTimestamp" in pod["metadata"]
    return not leaving and any((one["type"], one["status"]) == ("Ready", "True") for one in conditions)
