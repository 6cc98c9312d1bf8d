from pathlib import Path

import pytest

from local_cluster.unprivileged import COMPONENTS, user_id
from tests.cluster.driver import ClusterDriver


@pytest.mark.parametrize("name", COMPONENTS)
def test_who_talks_to_strangers_is_not_root_and_can_not_become_it(cluster: ClusterDriver, name: str) -> None:
    lines = Path(f"/proc/{cluster.pids()[name]}/status").read_text(encoding="utf-8").splitlines()

    status = {line.split(":")[0]: line.split(":")[1].split() for line in lines}
    assert status["Name"] == [name]
    assert set(status["Uid"]) == set(status["Gid"]) == {str(user_id(cluster.layout, name))}
    assert (status["Groups"], status["NoNewPrivs"]) == ([], ["1"])
    assert {status[kind][0].strip("0") for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}
