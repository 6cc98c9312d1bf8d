"""The Kubernetes provider as it was built or installed here, asked over its own protocol, without a cluster."""

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi_kubernetes
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, resource_pb2, resource_pb2_grpc

from tools.cache import Cache
from tools.catalogue import catalogue
from tools.installed import Installed

_SCHEMA_BYTES = 64 << 20
_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: hello\nversion: 0.1.0\n",
    "templates/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 1}]}\n",
}
_MANIFESTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {word: hello}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: servers}
spec: {replicas: 2}
"""


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Stands for Pulumi's engine: takes every resource that is registered, and keeps it."""

    def __init__(self) -> None:
        self.registered: dict[tuple[str, str], dict[str, Any]] = {}

    def SupportsFeature(self, _request: object, _context: object) -> object:  # noqa: N802 - the protocol's name
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterPackage(self, _request: object, _context: object) -> object:  # noqa: N802 - the protocol's name
        return resource_pb2.RegisterPackageResponse(ref="package")

    def RegisterResource(self, request: Any, _context: object) -> object:  # noqa: N802 - the protocol's name
        self.registered[request.type, request.name] = json_format.MessageToDict(request.object)
        urn = f"urn:pulumi:stack::project::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id="id", object=request.object)

    def RegisterResourceOutputs(self, _request: object, _context: object) -> object:  # noqa: N802 - the protocol's name
        return empty_pb2.Empty()


@pytest.fixture(scope="module")
def program() -> Path:
    cache = Cache.of_user()
    (tool,) = (tool for tool in catalogue() if tool.name == "pulumi-kubernetes")
    built = cache.found(tool)
    found = built / "bin" / tool.programs[0].name if built else Installed(cache).verdict(tool.programs[0]).path
    if found is None:
        pytest.skip("there is no Kubernetes provider for Pulumi here; it is brought by: make tools")
    return found


@pytest.fixture
def monitor() -> Iterator[tuple[Monitor, str]]:
    kept = Monitor()
    server = grpc.server(ThreadPoolExecutor(4))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(kept, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield kept, address
    server.stop(None)


@pytest.fixture
def provider(program: Path, monitor: tuple[Monitor, str]) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    with subprocess.Popen([program, monitor[1]], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = f"127.0.0.1:{process.stdout.readline().strip()}"
            with grpc.insecure_channel(address, [("grpc.max_receive_message_length", _SCHEMA_BYTES)]) as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            process.kill()


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def registered_by(
    provider: provider_pb2_grpc.ResourceProviderStub, monitor: tuple[Monitor, str], kind: str, inputs: dict[str, Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Construct a resource where manifests are only rendered, and return the objects that it registers."""
    kept, address = monitor
    rendered = {"kubernetes:config:renderYamlToDirectory": "/nowhere"}
    provider.Configure(provider_pb2.ConfigureRequest(variables=rendered, acceptSecrets=True, acceptResources=True))
    provider.Construct(
        provider_pb2.ConstructRequest(
            project="project", stack="stack", monitorEndpoint=address, type=kind, name="all", inputs=struct(inputs),
            parallel=1,
        )
    )  # fmt: skip
    return {key: fields for key, fields in kept.registered.items() if key != (kind, "all")}


def test_its_schema_has_every_resource_of_the_python_sdk(provider: provider_pb2_grpc.ResourceProviderStub) -> None:
    schema = json.loads(provider.GetSchema(provider_pb2.GetSchemaRequest(version=0)).schema)

    tokens = set(re.findall(r'"(kubernetes:[^"]+)": "', Path(pulumi_kubernetes.__file__).read_text()))
    assert len(tokens) > 400
    assert tokens - schema["resources"].keys() == set()


def test_what_the_program_declares_is_in_its_schema(provider: provider_pb2_grpc.ResourceProviderStub) -> None:
    resources = json.loads(provider.GetSchema(provider_pb2.GetSchemaRequest(version=0)).schema)["resources"]

    for kind in (
        *("apps/v1:Deployment", "batch/v1:Job", "core/v1:ConfigMap", "core/v1:Namespace", "core/v1:Service"),
        *("core/v1:PersistentVolume", "core/v1:PersistentVolumeClaim", "core/v1:ServiceAccount"),
        *("policy/v1:PodDisruptionBudget", "rbac.authorization.k8s.io/v1:Role"),
        "rbac.authorization.k8s.io/v1:RoleBinding",
    ):
        inputs = resources[f"kubernetes:{kind}"]["inputProperties"]
        assert {"apiVersion", "kind", "metadata"} <= inputs.keys()


def test_a_config_group_registers_its_objects(
    provider: provider_pb2_grpc.ResourceProviderStub, monitor: tuple[Monitor, str]
) -> None:
    registered = registered_by(provider, monitor, "kubernetes:yaml/v2:ConfigGroup", {"yaml": _MANIFESTS})

    assert registered == {
        ("kubernetes:core/v1:ConfigMap", "all:default/words"): {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "words", "namespace": "default"},
            "data": {"word": "hello"},
        },
        ("kubernetes:apps/v1:Deployment", "all:default/servers"): {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "servers", "namespace": "default"},
            "spec": {"replicas": 2.0},
        },
    }


def test_a_chart_registers_its_objects(
    provider: provider_pb2_grpc.ResourceProviderStub, monitor: tuple[Monitor, str], tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    for name, text in _CHART.items():
        (tmp_path / name).write_text(text)
    inputs = {"chart": str(tmp_path), "namespace": "n", "repositoryOpts": {"username": "someone"}}

    assert registered_by(provider, monitor, "kubernetes:helm.sh/v4:Chart", inputs) == {
        ("kubernetes:core/v1:Service", "all:n/s"): {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "s", "namespace": "n"},
            "spec": {"ports": [{"port": 1.0}]},
        }
    }
