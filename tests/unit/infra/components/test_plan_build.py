"""The build Job, what it is given, what it may do, and what it reports."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi_kubernetes.core import v1 as core

from infra.components.build_job import PlanBuildArgs
from infra.components.node_pool import Placement
from infra.components.plan_build import PlanBuild
from infra.config.serving import Resources, Serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

PLAN = "plan-0123456789abcdef"
MUG, CUP = "a" * 64, "b" * 64


def args(**changes: Any) -> PlanBuildArgs:
    values: dict[str, Any] = {
        "namespace": "triton-dev",
        "plan_id": "0123456789abcdef",
        "spec": '{"planId": "0123456789abcdef"}',
        "source_url": "https://models.example/m.onnx?sig=hunter2",
        "labels": "CUP\nCOFFEE MUG\n",
        "pictures": {MUG: b"\x89PNG", CUP: b"GIF"},
        "builder_image": "localhost/model-build:1",
        "serving": Serving(image="triton-cpu", imagePullSecrets=("registry",)),
        "claim_name": "models-1",
        "placement": Placement(
            node_selector={"pool": "triton"},
            tolerations=[core.TolerationArgs(key="gpu", operator="Exists")],
            affinity=None,
        ),
        "gpus": 0,
        "resources": Resources(cpu="500m", memory="1Gi", memoryLimit="4Gi"),
        "timeout_s": 900,
        "pulumi_timeout_s": 960,
        "proxy": None,
        "fence": (),
    }
    return PlanBuildArgs(**(values | changes))


def built(declare: Declare, **changes: Any) -> Declared:
    return declare(lambda: PlanBuild("plan", args(**changes)).manifest)


def test_exactly_these_resources(declare: Declare) -> None:
    assert built(declare).types() == {
        "densenet:infra:PlanBuild": 1,
        "kubernetes:batch/v1:Job": 1,
        "kubernetes:core/v1:ConfigMap": 4,
        "kubernetes:core/v1:Secret": 1,
        "kubernetes:core/v1:ServiceAccount": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:Role": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": 1,
    }


def test_the_builds_pod_is_labelled_ranked_and_limited_as_the_stack_says(declare: Declare) -> None:
    serving = Serving(
        image="triton-cpu",
        labels={"team": "vision"},
        annotations={"sidecar.istio.io/inject": "false"},
        priorityClass="high",
        environment={"SERVING": "alone"},
    )
    resources = Resources(cpu="500m", cpuLimit="2", memory="1Gi", memoryLimit="4Gi")
    template = built(declare, serving=serving, resources=resources).of_plan("job").inputs["spec"]["template"]
    assert template["metadata"] == {
        "labels": {
            "team": "vision",
            "app.kubernetes.io/name": "plan-build",
            "densenet-triton/plan": "0123456789abcdef",
        },
        "annotations": {"sidecar.istio.io/inject": "false", "karpenter.sh/do-not-disrupt": "true"},
    }
    assert template["spec"]["priorityClassName"] == "high"
    (container,) = template["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "4Gi"}
    assert "env" not in container


def test_inputs_travel_in_two_config_maps(declare: Declare) -> None:
    declared = built(declare)
    texts, image = declared.of_plan("inputs").inputs, declared.of_plan("image").inputs
    assert texts["metadata"] == {"name": f"{PLAN}-inputs", "namespace": "triton-dev"}
    assert texts["data"] == {"spec.json": '{"planId": "0123456789abcdef"}', "labels.txt": "CUP\nCOFFEE MUG\n"}
    assert image["metadata"] == {"name": f"{PLAN}-image", "namespace": "triton-dev"}
    assert {name: base64.b64decode(data) for name, data in image["binaryData"].items()} == {
        MUG: b"\x89PNG",
        CUP: b"GIF",
    }


def test_report_is_declared_empty_and_left_alone(declare: Declare) -> None:
    report = built(declare).of_plan("report")
    assert report.inputs == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": PLAN, "namespace": "triton-dev"},
    }
    assert report.ignored == ("data",)


def test_token_may_patch_the_report_and_nothing_else(declare: Declare) -> None:
    declared = built(declare)
    assert declared.of_plan("role").inputs["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [PLAN], "verbs": ["get", "patch"]}
    ]
    binding = declared.of_plan("role-binding").inputs
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": PLAN}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": PLAN, "namespace": "triton-dev"}]
    assert declared.of_plan("account").inputs["automountServiceAccountToken"] is False


def test_job_is_awaited_longer_than_it_may_take_and_run_again_when_it_failed(declare: Declare) -> None:
    job = built(declare).of_plan("job")
    assert job.inputs["metadata"] == {
        "name": PLAN,
        "namespace": "triton-dev",
        "annotations": {"pulumi.com/replaceUnready": "true"},
    }
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 900
    assert job.create_timeout == "960s"
    assert job.inputs["spec"]["backoffLimit"] == 0
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"]
    assert job.inputs["spec"]["podFailurePolicy"] == {
        "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
    }
    awaited = ("inputs", "image", "source", "report", "account", "role", "role-binding")
    assert {f"{PLAN}-{part}" for part in awaited} <= set(job.dependencies)


def test_job_pod(declare: Declare) -> None:
    pod = built(declare).of_plan("job").inputs["spec"]["template"]["spec"]
    assert {key: value for key, value in pod.items() if key != "containers"} == {
        "restartPolicy": "Never",
        "serviceAccountName": PLAN,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "fsGroup": 1000,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "triton"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "volumes": [
            {
                "name": "inputs",
                "projected": {
                    "sources": [
                        {"configMap": {"name": f"{PLAN}-inputs"}},
                        {"configMap": {"name": f"{PLAN}-image"}},
                        {"secret": {"name": f"{PLAN}-source"}},
                    ]
                },
            },
            {"name": "storage", "persistentVolumeClaim": {"claimName": "models-1"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def test_job_container(declare: Declare) -> None:
    (container,) = built(declare).of_plan("job").inputs["spec"]["template"]["spec"]["containers"]
    assert container == {
        "name": "build",
        "image": "localhost/model-build:1",
        "command": ["python3", "-m", "model_build"],
        "args": ["build", "--inputs", "/inputs", "--storage", "/storage", "--report", PLAN],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "4Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "inputs", "mountPath": "/inputs", "readOnly": True},
            {"name": "storage", "mountPath": "/storage"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
        ],
    }


def test_the_sources_url_travels_in_a_secret_alone(declare: Declare) -> None:
    declared = built(declare)
    source = declared.of_plan("source")
    assert source.inputs["metadata"] == {"name": f"{PLAN}-source", "namespace": "triton-dev"}
    assert base64.b64decode(source.inputs["data"]["source-url"]) == b"https://models.example/m.onnx?sig=hunter2"
    assert source.secret == {"data"}
    texts = {found.name: str(found.inputs) for found in declared.resources}
    assert not [name for name, text in texts.items() if "hunter2" in text]


def test_a_source_that_is_not_fetched_has_no_secret(declare: Declare) -> None:
    declared = built(declare, source_url=None)
    assert "kubernetes:core/v1:Secret" not in declared.types()
    inputs = declared.of_plan("job").inputs["spec"]["template"]["spec"]["volumes"][0]
    assert [set(source) for source in inputs["projected"]["sources"]] == [{"configMap"}, {"configMap"}]


def leaves(value: Any, path: str) -> list[str]:
    """The paths of everything that a declaration says, as Pulumi writes them."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in leaves(inner, f"{path}[{index}]")]
    return [path]


def test_nothing_of_a_job_but_its_storage_makes_another_of_it(declare: Declare) -> None:
    serving = Serving(image="triton-cpu", runtimeClass="nvidia", priorityClass="high", labels={"team": "vision"})
    job = built(declare, serving=serving, gpus=1).of_plan("job")
    seen = [leaf for leaf in leaves(job.inputs["spec"], "spec") if not leaf.startswith(job.ignored)]
    assert sorted(seen) == [
        "spec.template.spec.volumes[1].name",
        "spec.template.spec.volumes[1].persistentVolumeClaim.claimName",
    ]


def test_a_job_depends_on_nothing_whose_replacement_would_be_its_own(declare: Declare) -> None:
    """Another URL, label or stack's name replaces a ConfigMap or the Secret."""
    assert built(declare).of_plan("job").property_dependencies["spec"] == set()


def test_a_plans_resources_are_its_own_and_were_once_named_without_it(declare: Declare) -> None:
    declared = built(declare)
    parts = ("account", "image", "inputs", "job", "report", "role", "role-binding", "source")
    assert {part: declared.of_plan(part).name for part in parts} == {part: f"{PLAN}-{part}" for part in parts}
    assert {part: declared.of_plan(part).aliases for part in parts} == {part: (f"plan-{part}",) for part in parts}


def test_manifest_is_read_back_once_the_job_is_done(declare: Declare) -> None:
    declared = built(declare)
    read = declared.of_plan("manifest")
    assert (read.read_id, read.parent, read.dependencies) == (f"triton-dev/{PLAN}", "plan", (f"{PLAN}-job",))
    assert declared.result == {"planId": "0123456789abcdef", "golden": {"class": 504}}


def digest(declare: Callable[..., Declared], **run: Any) -> Declared:
    return declare(lambda: PlanBuild("plan", args()).manifest_sha256, **run)


@pytest.mark.parametrize("preview", [False, True])
def test_the_manifests_digest_is_that_of_the_very_text_that_was_reported(
    declare: Callable[..., Declared], *, preview: bool
) -> None:
    text = '{"b": "\N{HOT BEVERAGE}",  "a": 1}\n'
    assert digest(declare, report=text, preview=preview).result == hashlib.sha256(text.encode()).hexdigest()


def test_a_preview_does_not_know_what_is_not_reported_yet(declare: Callable[..., Declared]) -> None:
    assert digest(declare, report=None, preview=True).result is None


@pytest.mark.parametrize("report", [None, ""])
def test_a_job_that_reported_nothing_ends_the_update_in_one_line(
    declare: Callable[..., Declared], report: str | None
) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        digest(declare, report=report)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"Job {PLAN} has succeeded and reported no manifest; accepted: manifest.json in ConfigMap ")


def test_children_belong_to_the_component(declare: Declare) -> None:
    resources = built(declare).resources
    assert {found.parent for found in resources if found.type.startswith("kubernetes:")} == {"plan"}
