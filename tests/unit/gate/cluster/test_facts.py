import json
from typing import Any

from gate.cluster.facts import images_from_pods, manifest_sha256, newest_pods, subject_from_cluster
from gate.evidence.document import Gpu

PULLED = "registry.example/triton@sha256:" + "1" * 64
LOADED = "sha256:" + "2" * 64
OUTPUTS = {
    "url": "http://triton.example/triton-staging",
    "modelName": "densenet_tensorrt",
    "planId": "4962527776e8fcd8",
    "namespace": "triton-staging",
    "manifest": {"tensorrt": None},
}
H800 = {"product": "NVIDIA-H800", "computeCapability": "9.0", "driver": "535.1"}


def status(name: str, image_id: str, image: str = "triton:1") -> dict[str, Any]:
    return {"name": name, "image": image, "imageID": image_id}


def pod(template: str, created: str, *, node: str | None = "node-1", image_id: str = PULLED) -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": created, "labels": {"pod-template-hash": template}},
        "spec": {"nodeName": node} if node else {},
        "status": {
            "initContainerStatuses": [status("verify", image_id)],
            "containerStatuses": [status("triton", image_id)],
        },
    }


def node(name: str, driver: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"nvidia.com/cuda.driver-version.full": driver}}}


def test_a_subject_is_what_the_newest_pods_are() -> None:
    old = pod("old", "2026-11-23T01:00:00Z", node="node-9", image_id="registry.example/triton@sha256:0")
    new = [pod("new", f"2026-11-23T01:10:0{i}Z", node=f"node-{5 - i}") for i in range(5)]
    subject = subject_from_cluster(commit="c", stack="staging", outputs=OUTPUTS, pods=[new[0], old, *new[1:]])
    assert subject.images == {"verify": PULLED, "triton": PULLED}
    assert subject.nodes == tuple(f"node-{i}" for i in range(1, 6))
    assert (subject.plan_id, subject.namespace, subject.gpu) == ("4962527776e8fcd8", "triton-staging", None)
    assert subject.manifest_sha256 == manifest_sha256({"tensorrt": None})


def test_a_stack_without_pods_still_has_a_name() -> None:
    subject = subject_from_cluster(commit="c", stack="staging", outputs=OUTPUTS, pods=[])
    assert (subject.images, subject.nodes) == ({}, ())


def test_a_pod_that_waits_for_a_node_is_on_none() -> None:
    waiting = pod("new", "2026-11-23T01:10:00Z", node=None) | {"status": {"phase": "Pending"}}
    subject = subject_from_cluster(commit="c", stack="staging", outputs=OUTPUTS, pods=[waiting])
    assert (subject.images, subject.nodes) == ({}, ())


def test_the_gpu_is_the_plans_and_its_driver_the_nodes() -> None:
    outputs = OUTPUTS | {"manifest": {"tensorrt": {"gpu": H800}}}
    pods = [pod("new", "2026-11-23T01:10:00Z")]
    nodes = [node("node-1", "550.54.15"), node("node-2", "560.1")]
    there = subject_from_cluster(commit="c", stack="s", outputs=outputs, pods=pods, nodes=nodes)
    unlabelled = subject_from_cluster(commit="c", stack="s", outputs=outputs, pods=pods)
    assert there.gpu == Gpu(product="NVIDIA-H800", compute_capability="9.0", driver="550.54.15")
    assert unlabelled.gpu == Gpu(product="NVIDIA-H800", compute_capability="9.0", driver="535.1")


def test_newest_is_by_template_and_not_by_pod() -> None:
    restarted, first = pod("new", "2026-11-23T01:10:09Z"), pod("new", "2026-11-23T01:10:00Z")
    assert newest_pods([first, pod("old", "2026-11-23T01:10:05Z"), restarted]) == [first, restarted]
    assert newest_pods([]) == []


def test_an_image_is_named_with_the_digest_that_the_node_reports() -> None:
    statuses = [
        status("pulled", PULLED),
        status("docker", f"docker-pullable://{PULLED}"),
        status("loaded", LOADED, "localhost/triton-cpu:eb0c"),
        status("missing", "", "registry.example/no:1"),
    ]
    assert images_from_pods([{"status": {"containerStatuses": statuses}}]) == {
        "pulled": PULLED,
        "docker": PULLED,
        "loaded": f"localhost/triton-cpu:eb0c@{LOADED}",
        "missing": "registry.example/no:1",
    }


def test_a_replica_that_still_pulls_does_not_hide_the_digest() -> None:
    pods = [{"status": {"containerStatuses": [status("triton", image_id)]}} for image_id in (PULLED, "")]
    assert images_from_pods(pods) == {"triton": PULLED}


def test_a_manifest_has_one_digest_however_its_json_is_written() -> None:
    manifest = {"a": [1.0, 0.01, -2.5e-7], "b": {"x": True, "y": None}}
    through_pulumi = json.loads('{"b":{"y":null,"x":true},"a":[1,0.010,-0.00000025]}')
    assert manifest_sha256(manifest) == manifest_sha256(through_pulumi)
    assert manifest_sha256(manifest) != manifest_sha256(manifest | {"a": [1.0, 0.01, -2.6e-7]})
    assert manifest_sha256({"x": True}) != manifest_sha256({"x": 1})
