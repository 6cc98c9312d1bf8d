from pathlib import Path

import pytest

from local_cluster.startup import has_capability


@pytest.mark.parametrize(("number", "held"), [(0, True), (23, True), (24, False), (25, True)])
def test_capabilities_are_read_from_the_kernels_mask(tmp_path: Path, number: int, *, held: bool) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nCapEff:\t000001fffeffffff\n", encoding="utf-8")

    assert has_capability(number, status) is held
