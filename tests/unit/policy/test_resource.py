"""Resources taken over from the engine."""

from __future__ import annotations

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.resource import UNKNOWN, Resource, at, resource_from_engine
from tests.unit.policy.objects import deployment, job, replicas, workload

DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def test_what_a_preview_cannot_know_is_marked() -> None:
    spec = {"template": {"spec": {"containers": [{"image": UNKNOWN_STRING_VALUE, "name": "triton"}]}}}
    proxy = unknown_checking_proxy({"spec": spec})
    resource = resource_from_engine(urn="urn", type_=DEPLOYMENT, props=proxy)
    assert list(resource.containers()) == [{"image": UNKNOWN, "name": "triton"}]


def test_a_place_is_kind_namespace_and_name() -> None:
    assert replicas(1).place == "Deployment triton-x/triton"


def test_a_resource_without_a_name_yet_is_placed_by_its_logical_one() -> None:
    assert Resource(urn="urn:pulumi:x::p::t::triton-deployment", type=DEPLOYMENT, props={}).place.endswith(
        "-deployment"
    )


@pytest.mark.parametrize(("resource", "serves"), [(deployment(), True), (job(), False)])
def test_jobs_build_and_all_others_serve(resource: Resource, serves: bool) -> None:  # noqa: FBT001 - parametrized
    assert resource.serves is serves


def test_containers_that_run_first_are_held_to_the_same() -> None:
    resource = workload(lambda spec: spec.update(initContainers=[{"name": "verify"}]))
    assert [container["name"] for container in resource.containers()] == ["verify", "triton"]


def test_what_is_no_kubernetes_object_has_no_pod() -> None:
    component = Resource(urn="urn:pulumi:x::p::t::n", type="densenet:infra:Deployment", props={})
    assert component.pod is None
    assert list(component.containers()) == []


@pytest.mark.parametrize("missing", [{}, {"spec": None}, {"spec": {"ports": None}}, {"spec": {"ports": UNKNOWN}}])
def test_what_is_missing_is_the_default(missing: dict[str, object]) -> None:
    assert at(missing, "spec", "ports", default=[]) == []
