from typing import Any

import pytest

from deploy.pulumi.declared import Declared, declared_from_state, difference, read_from_state
from tests.unit.deploy.stack_states import SECRET, made, state_of, written

DEPLOYMENT = {
    "spec": {
        "replicas": 2,
        "template": {
            "metadata": {"labels": {"app": "triton"}},
            "spec": {
                "imagePullSecrets": [],
                "containers": [
                    {
                        "name": "triton",
                        "args": ["--http-port=8080", "--exit-on-error=true"],
                        "resources": {"requests": {"cpu": "0.25", "memory": "1024Mi"}, "limits": {"gpu": 1}},
                        "volumeMounts": [{"name": "s", "mountPath": "/a"}, {"name": "s", "mountPath": "/b"}],
                    }
                ],
                "tolerations": [{"key": "gpu"}],
            },
        },
    }
}


def deployment() -> tuple[Declared, dict[str, Any]]:
    resource, live = made("Deployment", "triton", "apps/v1", **DEPLOYMENT)
    return declared_from_state(state_of(resource))[0], live


def test_only_what_the_state_declares_is_looked_at() -> None:
    wanted, read, old = made("ConfigMap", "a")[0], made("ConfigMap", "b")[0], made("ConfigMap", "c")[0]
    read = {**read, "external": True, "inputs": {}, "outputs": {"data": {"manifest.json": "{}"}}}
    state = state_of(wanted, read, {**old, "delete": True})

    assert [each.name for each in declared_from_state(state)] == ["a"]
    assert read_from_state(state) == {"triton-dev/b": {"manifest.json": "{}"}}


def test_an_object_is_asked_for_by_version_and_group() -> None:
    gateway = declared_from_state(state_of(made("Gateway", "triton", "gateway.networking.k8s.io/v1")[0]))[0]
    volume = declared_from_state(state_of(made("PersistentVolume", "models", namespace=None)[0]))[0]

    assert gateway.argument == "Gateway.v1.gateway.networking.k8s.io/triton"
    assert (volume.argument, volume.namespace) == ("PersistentVolume.v1./models", "")


def test_defaults_others_fields_and_other_ways_of_writing_a_quantity_are_no_difference() -> None:
    declared, live = deployment()
    live = written(live, "spec", "paused", value=False)
    live["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "4"}
    live["status"] = {"replicas": 2}
    pod = live["spec"]["template"]["spec"]
    del pod["imagePullSecrets"]
    pod["dnsPolicy"] = "ClusterFirst"
    pod["containers"].insert(0, {"name": "beside", "image": "others/sidecar"})
    pod["containers"][1]["resources"] = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"gpu": "1"}}

    assert difference(declared, live) is None


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec", "replicas"), 0, "spec.replicas is 0, and 2 is declared"),
        (("spec", "template", "metadata", "labels", "app"), None, "labels.app is nothing, and triton is declared"),
        (("spec", "template", "spec", "containers", "0", "args"), ["--x"], "args has 1 elements, and 2 are declared"),
        (
            ("spec", "template", "spec", "containers", "0", "resources", "requests", "memory"),
            "1Mi",
            "containers[triton].resources.requests.memory is 1Mi, and 1024Mi is declared",
        ),
        (
            ("spec", "template", "spec", "containers", "0", "volumeMounts"),
            [{"name": "s", "mountPath": "/a"}],
            "volumeMounts[s].mountPath is /a, and /b is declared",
        ),
        (("spec", "template", "spec", "containers", "0", "name"), "other", "containers[triton] is gone"),
        (("spec", "template", "spec", "tolerations"), [{"key": "cpu"}], "tolerations[0].key is cpu, and gpu"),
        (("spec", "template"), None, "is declared"),
    ],
)
def test_what_was_edited_is_named_by_its_path(path: tuple[str, ...], value: Any, said: str) -> None:
    declared, live = deployment()

    assert said in str(difference(declared, written(live, *path, value=value)))


def test_labels_and_annotations_are_compared_too() -> None:
    resource, live = made("Namespace", "triton-dev", namespace=None, metadata={"labels": {"enforce": "restricted"}})
    declared = declared_from_state(state_of(resource))[0]

    assert difference(declared, written(live, "metadata", "labels", "enforce", value="baseline")) == (
        "metadata.labels.enforce is baseline, and restricted is declared"
    )


def test_an_object_that_nobody_has_written_is_as_it_was() -> None:
    """What the API server made of the declaration is not looked at: it has the version that Pulumi has seen."""
    declared, live = deployment()
    live["spec"]["replicas"] = 7

    assert difference(declared, live) is None


def test_a_secret_that_somebody_has_written_is_another() -> None:
    resource, live = made("Secret", "source", stringData={"url": SECRET})
    declared = declared_from_state(state_of(resource))[0]
    live["data"] = {"url": "eA=="}

    assert difference(declared, live) is None
    assert "a secret can't be compared" in str(difference(declared, written(live, "data", "url", value="eQ==")))


def test_texts_of_a_secret_are_compared_as_the_api_keeps_them() -> None:
    resource, live = made("Secret", "source", stringData={"url": "x"})
    declared = declared_from_state(state_of(resource))[0]
    live |= {"data": {"url": "eA=="}}

    assert difference(declared, written(live, "data", "url", value="eA==")) is None
    assert difference(declared, written(live, "data", "url", value="eQ==")) is not None


def test_another_address_of_the_gateway_is_a_difference() -> None:
    """The stack's URL is made of it; nothing of what is declared has changed."""
    resource, live = made("Gateway", "triton", "gateway.networking.k8s.io/v1", spec={"gatewayClassName": "traefik"})
    resource["outputs"]["status"] = {"addresses": [{"value": "10.0.0.1"}]}
    declared = declared_from_state(state_of(resource))[0]
    live["status"] = {"addresses": [{"value": "10.0.0.2"}]}

    assert difference(declared, written(live, "kind", value="Gateway")) == (
        "status.addresses is ['10.0.0.2'], and was ['10.0.0.1']"
    )
