import contextlib
from collections.abc import Mapping, Sequence

import pytest

from deploy import smoke
from deploy.cluster import Cluster
from deploy.commands import ROOT
from deploy.smoke import prove
from infra.config import config_from_yaml


def test_the_tests_start_no_threads_for_matrices_unless_the_user_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_from_yaml(ROOT / "Pulumi.dev.yaml")
    outputs = {"url": "http://127.0.0.1:8800/dev", "modelName": "mug", "manifest": {}, "namespace": "triton-dev"}
    environments: list[Mapping[str, str]] = []

    def passed(_command: Sequence[str], environment: Mapping[str, str]) -> int:
        environments.append(environment)
        return 0

    monkeypatch.setattr(smoke, "status_of", passed)
    monkeypatch.setattr(smoke, "replica_urls", lambda *_: contextlib.nullcontext([]))

    for own in ({}, {"OPENBLAS_NUM_THREADS": "2"}):
        prove(config, outputs, Cluster(config=config.cluster, environment=own))

    assert [each["OPENBLAS_NUM_THREADS"] for each in environments] == ["1", "2"]
