"""What a preview means for a user's traffic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gate.before.forecast import Forecast, forecast_from_preview
from gate.before.preview import preview_from_events
from infra.config import REPOSITORY, StackConfig, config_from_yaml
from infra.config.node_pools import ExistingNodePool
from tests.unit.gate.preview_events import gap, log, replacement, step

DEV = config_from_yaml(REPOSITORY / "Pulumi.dev.yaml")
H800 = config_from_yaml(REPOSITORY / "Pulumi.h800.yaml")
TURN_S = 75 + 1500 + 600
SAME = step("same", "triton-deployment")
PODS = step("update", "triton-deployment", "spec.template.spec.containers[0].image")


def forecast(*events: dict[str, Any], config: StackConfig = DEV) -> Forecast:
    return forecast_from_preview(preview_from_events(log(*events)), config)


def test_before_the_first_deployment_nothing_serves() -> None:
    found = forecast(step("create", "plan-job"), step("create", "triton-deployment"))
    assert found.lines == (
        "first deployment: nothing serves before",
        "plan: built first if it is not published yet, up to 900 s; that touches no traffic",
        "pods: each is proven within 75 s of its creation, or fails",
    )
    assert found.downtime_s == 0


def test_nothing_changed_touches_nothing() -> None:
    found = forecast(step("same", "namespace"), step("read", "plan-manifest"), SAME)
    assert found == Forecast(lines=("nothing changes: traffic is not touched", "downtime: none expected"), downtime_s=0)


def test_a_change_beside_the_pods_replaces_none() -> None:
    assert forecast(SAME, step("update", "endpoint-route", "spec.rules")).lines[0] == "pods: none is replaced"


def test_pods_are_surged_where_there_is_room() -> None:
    found = forecast(PODS)
    assert "surge" in found.lines[0]
    assert found.downtime_s == 0


def test_a_proof_whose_name_a_build_will_tell_replaces_the_pods() -> None:
    """Its name is known when the plan is built; until then the preview shows where it will change."""
    proof = step("update", "triton-deployment", "spec.template.spec.volumes[1].configMap.name")
    found = forecast(step("create", "plan-job"), *replacement("triton-proof", "metadata.name"), proof)
    assert found.lines[0].startswith("plan: built first")
    assert found.lines[1:] == forecast(PODS).lines


def test_the_only_replica_without_a_spare_gpu_is_an_outage() -> None:
    found = forecast(PODS, config=H800)
    assert "replace, for no GPU is declared spare" in found.lines[0]
    assert found.lines[-1] == f"downtime: up to {TURN_S} s in all"
    assert found.downtime_s == TURN_S


def test_a_spare_gpu_makes_it_a_surge() -> None:
    roomy = replace(H800, node_pool=ExistingNodePool(kind="existing", gpuProduct="NVIDIA-H800", spareGpus=1))
    assert forecast(PODS, config=roomy).downtime_s == 0


def test_more_replicas_leave_those_that_serve() -> None:
    found = forecast(step("update", "triton-deployment", "spec.replicas"), config=H800)
    assert found.lines[0] == "pods: those that serve stay; the Deployment changes in spec.replicas"
    assert found.downtime_s == 0


@pytest.mark.parametrize("events", [gap("triton-deployment", "spec.selector"), [step("delete", "triton-deployment")]])
def test_a_deployment_that_goes_is_an_outage(events: list[dict[str, Any]]) -> None:
    found = forecast(*events, config=H800)
    assert found.lines[0] == "Deployment: no pod serves until the new ones are proven"
    assert found.downtime_s == TURN_S


def test_a_second_deployment_needs_gpus_of_its_own() -> None:
    found = forecast(*replacement("triton-deployment", "metadata.namespace"), config=H800)
    assert found.lines[0].endswith("; that takes 1 GPUs beside those in use")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("triton-service", "Service"),
        ("endpoint-gateway", "Gateway"),
        ("endpoint-route", "HTTPRoute"),
        ("namespace", "Namespace"),
        ("storage-claim", "PersistentVolumeClaim"),
        ("storage-volume", "PersistentVolume"),
    ],
)
def test_a_gap_under_or_before_the_pods_is_an_outage_and_named(name: str, kind: str) -> None:
    for events, how in (
        (gap(name, "spec"), "removed before its successor is made"),
        ([step("delete", name)], "removed"),
    ):
        found = forecast(SAME, *events)
        assert found.lines[1].startswith(f"{kind}: {how}, an outage")
        assert found.downtime_s > 0


def test_another_storage_beside_the_one_in_use_is_no_outage() -> None:
    found = forecast(SAME, *replacement("storage-claim", "metadata.name"))
    assert (
        found.lines[1] == "PersistentVolumeClaim: another beside the one in use, which a pod or a kept release may need"
    )
    assert found.downtime_s == 0


def test_another_namespace_is_another_url() -> None:
    found = forecast(SAME, *replacement("namespace", "metadata.name"))
    assert "the URL becomes another one, and the old one ends with the update" in found.lines[1]
    named = replace(DEV, endpoint=DEV.endpoint.model_copy(update={"hostname": "mug.example"}))
    assert "the URL stays" in forecast(SAME, *replacement("namespace", "metadata.name"), config=named).lines[1]


def test_another_cluster_is_another_url() -> None:
    assert "another one" in forecast(SAME, *replacement("cluster", "context")).lines[1]


def test_another_port_of_the_gateway_is_named() -> None:
    assert (
        "Gateway: changed in place"
        in forecast(SAME, step("update", "endpoint-gateway", "spec.listeners[0].port")).lines[1]
    )


def test_another_port_of_the_service_is_an_outage_until_the_route_follows() -> None:
    assert forecast(SAME, step("update", "triton-service", "spec.ports[0].port")).downtime_s > 0
    assert forecast(SAME, step("update", "triton-service", "metadata.annotations")).downtime_s == 0


def test_outages_add_up() -> None:
    both = forecast(PODS, *gap("triton-service", "spec"), config=H800)
    assert both.downtime_s == TURN_S + forecast(SAME, *gap("triton-service", "spec")).downtime_s


def test_a_preview_that_failed_early_says_nothing_of_traffic() -> None:
    assert forecast().lines == ("traffic: not known, for the preview did not come as far as the Deployment",)
