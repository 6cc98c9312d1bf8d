import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import cluster as cluster_module
from deploy.cluster import Cluster
from deploy.errors import CommandFailedError, DeployError, ForbiddenError
from infra.config import Cluster as ClusterConfig

EMBEDDED = Cluster(config=ClusterConfig(context="embedded-test", namespace="triton"), environment={})


def test_images_are_loaded_by_the_start_that_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(cluster_module, "run", lambda command, _environment: commands.append(command))

    EMBEDDED.start({"localhost/a:1": Path("/cache/a.tar"), "localhost/b:2": Path("/cache/b.tar")})

    flags = ["--image", "localhost/a:1=/cache/a.tar", "--image", "localhost/b:2=/cache/b.tar"]
    assert commands == [[sys.executable, "-m", "local_cluster", "--name", "embedded-test", "up", *flags]]


def test_an_answer_is_asked_for_what_no_role_is_needed_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(cluster_module, "output_of", lambda command, *_, **__: asked.append(command) or "{}")

    assert EMBEDDED.await_answer() == "{}"

    assert asked == [["kubectl", "--context=embedded-test", "get", "--raw=/version"]]


def test_a_cluster_that_does_not_answer_is_named_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise CommandFailedError("connection refused")

    monkeypatch.setattr(cluster_module, "output_of", fail)

    with pytest.raises(DeployError, match=r"'embedded-test' does not answer: connection refused; start it: make up$"):
        EMBEDDED.await_answer()


def test_what_this_user_may_not_do_is_told_from_other_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "'kubectl get nodes' ended with status 1: Error from server (Forbidden): nodes is forbidden: User \"guest\""

    def fail(*_: Any, **__: Any) -> str:
        raise CommandFailedError(said)

    monkeypatch.setattr(cluster_module, "output_of", fail)
    with pytest.raises(ForbiddenError, match="nodes is forbidden"):
        EMBEDDED.nodes()

    said = "'kubectl get nodes' ended with status 1: Error from server (NotFound)"
    with pytest.raises(CommandFailedError) as told:
        EMBEDDED.nodes()
    assert not isinstance(told.value, ForbiddenError)
