from pathlib import Path

import pytest

from local_cluster.capabilities import has_capability, is_root_of_the_machine


@pytest.mark.parametrize(("number", "held"), [(0, True), (23, True), (24, False), (25, True)])
def test_capabilities_are_read_from_the_kernels_mask(tmp_path: Path, number: int, *, held: bool) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nCapEff:\t000001fffeffffff\n", encoding="utf-8")

    assert has_capability(number, status) is held


@pytest.mark.parametrize(
    ("uid_map", "is_the_machines"),
    [("         0          0 4294967295\n", True), ("         0       1000          1\n", False)],
)
def test_the_root_of_a_user_namespace_is_told_apart(tmp_path: Path, uid_map: str, *, is_the_machines: bool) -> None:
    file = tmp_path / "uid_map"
    file.write_text(uid_map, encoding="utf-8")

    assert is_root_of_the_machine(file) is is_the_machines
