import json

import pytest

from deploy.before.server_version import require_server_version
from deploy.errors import DeployError


def answer(major: str, minor: str) -> str:
    """What a server says of itself at `/version`."""
    return json.dumps({"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}.4-eks-036c24b"})


@pytest.mark.parametrize(("major", "minor"), [("1", "30"), ("1", "30+"), ("1", "37"), ("2", "0")])
def test_a_server_that_knows_the_sleep_passes(major: str, minor: str) -> None:
    require_server_version(answer(major, minor))


@pytest.mark.parametrize("minor", ["29", "29+", "9"])
def test_an_older_one_is_refused_in_a_line(minor: str) -> None:
    with pytest.raises(DeployError) as told:
        require_server_version(answer("1", minor))
    assert str(told.value) == (
        f"the cluster is of Kubernetes 1.{minor.rstrip('+')}, whose pods know no preStop.sleep; accepted: Kubernetes "
        "1.30 or newer; upgrade the cluster, or name another in cluster.context"
    )


@pytest.mark.parametrize("said", [None, "", "{}", "[]", "ok", answer("", ""), '{"major": null, "minor": null}'])
def test_a_server_that_does_not_say_is_no_fault(said: str | None) -> None:
    require_server_version(said)
