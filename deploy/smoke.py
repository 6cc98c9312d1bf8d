"""The verdict on a deployed stack: the smoke tests, against its URL and against every replica."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from deploy.authority import authority_file, noted_authority
from deploy.cluster import Cluster
from deploy.commands import ROOT, status_of
from deploy.errors import DeployError, TurnedAwayError, UnreachedError
from infra.config import StackConfig

TRITON_PODS = "app.kubernetes.io/name=triton"
"""The label that the stack's servers, and they alone, carry."""

TRITON = "deployment/triton"
"""What keeps them, as kubectl names it."""

UNREACHED_STATUS = 7
"""The smoke tests' exit status where the URL was not reached, and that of `deploy prove`."""

TURNED_AWAY_STATUS = 8
"""Theirs where the door let nobody in."""

KEY_VARIABLE = "DENSENET_TRITON_KEY"
"""Where the smoke tests look for a client's key."""

_PYTEST = ("-m", "pytest", "smoke_tests", "--quiet", "--no-header", "-p", "no:cacheprovider")
_FORWARD_S = 30


class _Fetched(Protocol):
    """A picture of a URL, named by its bytes."""

    @property
    def url(self) -> str:
        """Where it is."""

    @property
    def sha256(self) -> str:
        """Of the file."""


def prove(
    config: StackConfig, outputs: Mapping[str, Any], cluster: Cluster, *, stack: str, junit: Path | None = None
) -> None:
    """Run the smoke tests against the stack's URL and every replica by itself.

    Args:
        config: what was deployed.
        outputs: the stack's.
        cluster: where its replicas are.
        stack: its name.
        junit: the file that pytest's report goes to, if it is wanted.

    Raises:
        UnreachedError: the URL was not reached within `endpoint.timeoutS`.
        TurnedAwayError: its door let nobody in.
        DeployError: a test failed, or none was run.
    """
    with tempfile.TemporaryDirectory() as folder, replica_urls(config, outputs, cluster) as replicas:
        manifest, reason = Path(folder) / "manifest.json", Path(folder) / "reason"
        manifest.write_text(json.dumps(outputs["manifest"]))
        command = [sys.executable, *_PYTEST, *_expectation(config, outputs, manifest)]
        authority = _authority(outputs, stack, cluster.environment)
        command += ["--ca", str(authority)] if authority else []
        client, environment = _client(config, cluster.environment)
        command += client
        command += [flag for url in replicas for flag in ("--replica-url", url)]
        command += ["--await-s", str(config.endpoint.timeout_s), "--reason-file", str(reason)]
        command += [f"--junit-xml={junit}"] if junit else []
        # the tests compute no matrix: NumPy's threads would only wait for one, and busily
        status = status_of(command, {"OPENBLAS_NUM_THREADS": "1", **environment})
        require_right(status, outputs["url"], reason.read_text(encoding="utf-8") if reason.exists() else "")


def _authority(outputs: Mapping[str, Any], stack: str, environment: Mapping[str, str]) -> Path | None:
    """The file of whom the URL's clients trust; where the cluster does not tell today, the one that it told last."""
    if "certificateAuthority" in outputs:
        return noted_authority(outputs["certificateAuthority"], stack, environment)
    return authority_file(stack, environment)


def require_right(status: int, url: str, reason: str) -> None:
    """Turn an exit status of the smoke tests into what it means.

    Args:
        status: theirs, or that of `deploy prove`.
        url: that was asked.
        reason: that they gave for a status of the two that are about the way alone; empty where it stands above.

    Raises:
        UnreachedError: the URL was not reached.
        TurnedAwayError: its door let nobody in.
        DeployError: another than 0.
    """
    if status == UNREACHED_STATUS:
        raise UnreachedError(reason or f"{url} was not reached; the reason stands above")
    if status == TURNED_AWAY_STATUS:
        raise TurnedAwayError(reason or f"{url} could not be asked; the reason stands above")
    if status != 0:
        raise DeployError(f"{url} is deployed but does not answer rightly; its tests stand above")


def _client(config: StackConfig, environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return as whom the door is asked, and the environment with that client's key, which no command line has."""
    without = {name: value for name, value in environment.items() if name != KEY_VARIABLE}
    if not config.endpoint.clients:
        return [], without
    name, key = min(config.endpoint.clients.items())
    return ["--client", name], {**without, KEY_VARIABLE: key.get_secret_value()}


def _expectation(config: StackConfig, outputs: Mapping[str, Any], manifest: Path) -> list[str]:
    """What is asked of whom, and what the configuration expects, which the manifest must expect too."""
    expect = config.model.expect
    flags = [
        "--url",
        outputs["url"],
        "--model",
        outputs["modelName"],
        "--routed",
        "--manifest",
        str(manifest),
    ]
    flags += [flag for answer in (expect, *expect.also) for flag in ("--image", _picture(answer.image))]
    if expect.other_image is not None:
        flags += ["--other-image", _picture(expect.other_image)]
    if expect.inception:
        flags += ["--inception"]
    flags += ["--expect-class", str(expect.class_), "--expect-margin", repr(expect.margin)]
    if expect.label is not None:
        flags += ["--expect-label", expect.label]
    if expect.top:
        flags += ["--expect-top", ",".join(map(str, expect.top))]
    if outputs.get("maxBodyBytes") is not None:
        flags += ["--max-body-bytes", str(int(outputs["maxBodyBytes"]))]
    # A stack of a program that had no such door gives them
    flags += ["--json-bodies"] if outputs.get("jsonBodies", True) else []
    return flags


def _picture(picture: Path | _Fetched) -> str:
    """A picture as the smoke tests' options name it."""
    return str(picture) if isinstance(picture, Path) else f"{picture.url}#sha256={picture.sha256}"


@contextlib.contextmanager
def replica_urls(config: StackConfig, outputs: Mapping[str, Any], cluster: Cluster) -> Iterator[list[str]]:
    """Forward a local port to each of the stack's pods while the context lasts, and give their URLs."""
    namespace = outputs["namespace"]
    pods = [pod for pod in cluster.pods(namespace, TRITON_PODS) if not has_ended(pod)]
    with contextlib.ExitStack() as forwards:
        yield [
            forwards.enter_context(_forwarded(cluster, namespace, pod["metadata"]["name"], config.serving.http_port))
            for pod in pods
        ]


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Whether a pod serves no more: it is going, or was evicted and left as a record."""
    return "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") in {"Failed", "Succeeded"}


@contextlib.contextmanager
def _forwarded(cluster: Cluster, namespace: str, pod: str, port: int) -> Iterator[str]:
    command: Sequence[str] = cluster.kubectl_command(
        "port-forward", f"--namespace={namespace}", f"pod/{pod}", f":{port}", "--address=127.0.0.1"
    )
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=cluster.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        patience = threading.Timer(_FORWARD_S, process.kill)
        patience.start()
        try:
            if process.stdout is None:  # for the type checker: stdout=PIPE makes it a file
                raise DeployError(f"kubectl port-forward to {pod} has no output")
            line = process.stdout.readline()  # Forwarding from 127.0.0.1:40123 -> 8080
            patience.cancel()
            if not line.startswith("Forwarding from "):
                raise DeployError(f"kubectl port-forward to pod {pod} failed: {line.strip()}")
            yield f"http://{line.split()[2]}"
        finally:
            patience.cancel()
            process.terminate()
