"""Pulumi without an engine: what the program would register, recorded for assertions."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[3]
GATEWAY_OF_OTHERS: dict[str, Any] = {
    "gatewayClassName": "traefik",
    "listeners": [
        {"name": "web", "protocol": "HTTP", "port": 80.0, "allowedRoutes": {"namespaces": {"from": "All"}}},
        {"name": "closed", "protocol": "HTTP", "port": 8080.0},
    ],
}
LOCAL_AUTHORITY = "-----BEGIN CERTIFICATE-----\nof an embedded cluster's gateway\n-----END CERTIFICATE-----\n"
MANIFEST = '{"planId": "0123456789abcdef", "golden": {"class": 504}}'


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the engine would have been asked for it."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    dependencies: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    retained: bool = False
    aliases: tuple[str, ...] = ()
    secret: frozenset[str] = frozenset()
    create_timeout: str = ""
    read_id: str = ""
    property_dependencies: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class Declared:
    """Everything that one declaration registered, and what it returned."""

    resources: list[Registered] = field(default_factory=list)
    result: Any = None

    def named(self, name: str) -> Registered:
        (found,) = [resource for resource in self.resources if resource.name == name]
        return found

    def of_plan(self, part: str) -> Registered:
        """A part of the plan's build, whichever the plan is."""
        (found,) = [found for found in self.resources if re.fullmatch(rf"plan-[0-9a-f]{{16}}-{part}", found.name)]
        return found

    def types(self) -> dict[str, int]:
        kinds = sorted(resource.type for resource in self.resources)
        return {kind: kinds.count(kind) for kind in kinds}


class Recorder(pulumi.runtime.Mocks):
    """Gives every resource its inputs back, a Gateway an address and the report a manifest, if there is one.

    In a preview the build's Job is one that is to run again, and a grant is still to be made: they have no id yet.
    """

    def __init__(self, report: str | None, *, preview: bool) -> None:
        self.report = report
        self.preview = preview

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program called {args.token}")

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state = dict(args.inputs)
        if args.typ.endswith(":Gateway"):
            state["status"] = {"addresses": [{"type": "IPAddress", "value": "127.0.0.1"}]}
        if args.resource_id == "gateways/public":
            state |= {"metadata": {"name": "public", "namespace": "gateways"}, "spec": GATEWAY_OF_OTHERS}
        if args.resource_id == "kube-system/gateway-authority":
            state["data"] = {"ca.crt": LOCAL_AUTHORITY}
        known = args.resource_id != pulumi.runtime.rpc.UNKNOWN
        if args.name.endswith("-manifest") and known and self.report is not None:
            state["data"] = {"manifest.json": self.report}
        if args.typ.endswith((":Job", ":ReferenceGrant")) and self.preview:
            return "", state
        metadata = state.get("metadata", {})
        return f"{metadata.get('namespace', '')}/{metadata.get('name', args.name)}", state


def _plain(value: Any) -> Any:
    """Inputs without the marks of what is secret."""
    if pulumi.runtime.rpc.is_rpc_secret(value):
        return _plain(pulumi.runtime.rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _secret_keys(inputs: Any) -> frozenset[str]:
    found = pulumi.runtime.rpc.deserialize_properties(inputs)
    return frozenset(key for key, value in found.items() if pulumi.runtime.rpc.is_rpc_secret(value))


class RecordingMonitor(pulumi.runtime.mocks.MockMonitor):
    """Keeps what a request says beside the inputs."""

    def __init__(self, declared: Declared, report: str | None, *, preview: bool) -> None:
        super().__init__(Recorder(report, preview=preview))
        self.declared = declared

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        if request.type != "pulumi:pulumi:Stack":
            self.declared.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    parent=request.parent.rpartition("::")[2],
                    inputs=_plain(pulumi.runtime.rpc.deserialize_properties(request.object)),
                    dependencies=tuple(sorted(urn.rpartition("::")[2] for urn in request.dependencies)),
                    ignored=tuple(request.ignoreChanges),
                    retained=request.retainOnDelete,
                    aliases=tuple(alias.spec.name for alias in request.aliases if alias.spec.name),
                    secret=_secret_keys(request.object),
                    create_timeout=request.customTimeouts.create,
                    property_dependencies={
                        key: {urn.rpartition("::")[2] for urn in found.urns}
                        for key, found in request.propertyDependencies.items()
                    },
                )
            )
        return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        parent = request.parent.rpartition("::")[2]
        self.declared.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                parent=parent,
                inputs={},
                read_id=request.id,
                dependencies=tuple(sorted(urn.rpartition("::")[2] for urn in request.dependencies)),
            )
        )
        return super().ReadResource(request)


@pytest.fixture
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A new loop for the test, and one for each thread that Pulumi registers resources from; all are closed."""
    loops = [asyncio.new_event_loop()]

    def thread_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    asyncio.set_event_loop(loops[0])
    with ThreadPoolExecutor(initializer=thread_loop) as threads:
        loops[0].set_default_executor(threads)
        yield loops[0]
    for loop in loops:
        loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def declare(event_loop: asyncio.AbstractEventLoop) -> Callable[..., Declared]:
    """Run a declaration under a new event loop and fresh mocks; its Outputs are awaited.

    A test may say what the build has reported, None for nothing, and that this is a preview.
    """
    assert not event_loop.is_running()

    def run(declaration: Callable[[], Any], *, report: str | None = MANIFEST, preview: bool = False) -> Declared:
        declared = Declared()
        monitor = RecordingMonitor(declared, report, preview=preview)
        pulumi.runtime.set_mocks(monitor.mocks, "densenet-triton", "dev", preview=preview, monitor=monitor)

        @pulumi.runtime.test
        def awaited() -> pulumi.Output[None]:
            return pulumi.Output.from_input(declaration()).apply(lambda found: setattr(declared, "result", found))

        awaited()
        return declared

    return run


@pytest.fixture
def dev_values() -> dict[str, Any]:
    """The configuration of Pulumi.dev.yaml, to change and to check."""
    return _values("dev")


@pytest.fixture
def h800_values() -> dict[str, Any]:
    """The configuration of Pulumi.h800.yaml, likewise."""
    return _values("h800")


def _values(stack: str) -> dict[str, Any]:
    document = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return dict(document["config"])
