import os

import pytest

from deploy import operations
from deploy.errors import DeployError
from deploy.operations import Deployment


def test_without_root_nothing_is_built_for_the_embedded_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[bool] = []
    monkeypatch.setattr(operations, "ensure_tools", lambda *, embedded: built.append(embedded))
    monkeypatch.setattr(os, "getresuid", lambda: (1000, 1000, 1000))

    with pytest.raises(DeployError, match="'embedded' is the embedded cluster, which needs root") as caught:
        Deployment("dev").up()

    assert built == []
    assert "\n" not in str(caught.value)
