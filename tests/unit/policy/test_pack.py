"""The pack as a process of its own, asked as the engine asks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from tests.unit.policy.objects import budget, deployment, replicas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.resource import Resource

REMINDERS = ("accepted-plain-http", "accepted-release")
PACK = Path(__file__).resolve().parents[3] / "policy"


@pytest.fixture(scope="module")
def pack() -> Iterator[Any]:
    """A client of `python policy`."""
    with subprocess.Popen([sys.executable, "-u", str(PACK)], stdout=subprocess.PIPE, text=True, cwd="/") as process:
        try:
            assert process.stdout
            with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.terminate()


def properties(resource: Resource) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(resource.props)
    return struct


def analyzed(pack: Any, resource: Resource) -> dict[str, str]:
    request = analyzer_pb2.AnalyzeRequest(
        urn=resource.urn, type=resource.type, name="triton", properties=properties(resource)
    )
    return {found.policyName: found.message for found in pack.Analyze(request).diagnostics}


def test_all_rules_are_mandatory_but_the_reminders(pack: Any) -> None:
    levels = {policy.name: policy.enforcementLevel for policy in pack.GetAnalyzerInfo(empty_pb2.Empty()).policies}
    assert [levels.pop(name) for name in REMINDERS] == [analyzer_pb2.ADVISORY] * len(REMINDERS)
    assert set(levels.values()) == {analyzer_pb2.MANDATORY}
    assert sorted(levels) == [
        *("bounded-json", "disruption-budget", "https-and-keys", "images-by-digest", "limits-set"),
        "mounts-read-only",
        *("no-control-apis", "no-privilege", "no-public-apis", "patched-release"),
    ]


def test_a_right_deployment_passes_every_rule(pack: Any) -> None:
    assert analyzed(pack, deployment()) == {}


def test_a_finding_is_one_line_below_its_rule(pack: Any) -> None:
    message = analyzed(pack, deployment(image="triton"))["images-by-digest"]
    rule, finding = message.splitlines()
    assert rule == "Images are named by digest."
    assert finding.startswith("Deployment triton-x/triton: image triton is named by its tag")


def test_a_stack_is_looked_at_as_a_whole(pack: Any) -> None:
    resources = [
        analyzer_pb2.AnalyzerResource(urn=found.urn, type=found.type, name="triton", properties=properties(found))
        for found in (replicas(2), budget(maxUnavailable=0))
    ]
    answer = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
    assert [(found.policyName, found.urn) for found in answer.diagnostics] == [("disruption-budget", resources[1].urn)]
