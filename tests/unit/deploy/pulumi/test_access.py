import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.pulumi.access import state_with_access
from infra.config import Cluster
from infra.kubeconfig import kubeconfig_text
from tests.unit.deploy.stand_in import resource, state_of

PROVIDER = "pulumi:providers:kubernetes::cluster"
SIGNED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def kubeconfig(folder: Path, *, day: str, context: str = "prod") -> Path:
    """A file of one context."""
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "https://prod.example"}}],
        "contexts": [{"name": context, "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": day}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def config(path: Path | None, context: str = "prod") -> Cluster:
    access: dict[str, Any] = {} if path is None else {"kubeconfig": path}
    return Cluster.model_validate({"context": context, "namespace": "triton", **access})


def held(text: str | None, context: str = "prod", **more: Any) -> dict[str, Any]:
    """A provider as a decrypted state has it."""
    secret = "" if text is None else {**SIGNED, "plaintext": json.dumps(text)}
    part = {"context": context, "clusterIdentifier": context, "kubeconfig": secret}
    return {**resource(PROVIDER), "inputs": dict(part), "outputs": dict(part), **more}


def test_a_state_that_reaches_the_cluster_as_the_configuration_does_is_left_alone(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, day="today")

    assert state_with_access(state_of(held(kubeconfig_text(path, "prod"))), config(path)) is None
    assert state_with_access(state_of(held(None)), config(None)) is None
    assert state_with_access(state_of(), config(path)) is None


@pytest.mark.parametrize("before", ["apiVersion: v1\nusers: []\n", None], ids=["another token", "none"])
def test_a_token_that_has_run_out_is_replaced_by_todays(tmp_path: Path, before: str | None) -> None:
    path = kubeconfig(tmp_path, day="today")
    state = state_of(held(before), resource("kubernetes:core/v1:Namespace::namespace", uid="1"))
    untouched = copy.deepcopy(state)

    edited = state_with_access(state, config(path))

    assert edited == state_of(held(kubeconfig_text(path, "prod")), untouched["deployment"]["resources"][1])
    assert state == untouched
    assert state_with_access(edited or {}, config(path)) is None


def test_a_path_of_another_machine_gives_way(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, day="today")
    former = held(None)
    for part in ("inputs", "outputs"):
        former[part]["kubeconfig"] = "/home/other/kubeconfig"

    assert state_with_access(state_of(former), config(path)) == state_of(held(kubeconfig_text(path, "prod")))


def test_a_file_that_is_named_no_more_leaves_nothing(tmp_path: Path) -> None:
    text = kubeconfig_text(kubeconfig(tmp_path, day="yesterday"), "prod")

    assert state_with_access(state_of(held(text)), config(None)) == state_of(held(None))


def test_which_cluster_it_is_stays_for_the_update_to_say(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, day="today", context="renamed")
    edited = state_with_access(state_of(held("x")), config(path, context="renamed"))

    assert edited is not None
    (provider,) = edited["deployment"]["resources"]
    assert (provider["inputs"]["context"], provider["inputs"]["clusterIdentifier"]) == ("renamed", "prod")


def test_a_provider_that_is_about_to_go_is_another_clusters(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, day="today")

    assert state_with_access(state_of(held("x", delete=True)), config(path)) is None
