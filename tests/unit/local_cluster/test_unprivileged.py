import os
import stat
import subprocess
import sys

import pytest

from local_cluster.layout import Layout, layout_from_name
from local_cluster.unprivileged import COMPONENTS, command_without_rights, hand_over, own_file, user_id

needs_root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="gives files away")


def test_every_component_of_every_cluster_is_a_user_of_its_own() -> None:
    layouts = [layout_from_name(name) for name in ("embedded", "embedded-test")]
    users = {user_id(layout, component) for layout in layouts for component in COMPONENTS}

    assert len(users) == 4
    assert all(65_535 < user < 100_000 for user in users)


@needs_root
def test_files_are_the_components_to_read_and_nobody_elses(layout: Layout) -> None:
    file = own_file(layout, "coredns", "Corefile")
    hand_over(layout, "coredns", {file: "first"})
    hand_over(layout, "coredns", {file: "second"})

    assert file.read_text(encoding="utf-8") == "second"
    for path, mode in ((file, 0o640), (file.parent, 0o750)):
        status = path.stat()
        assert (status.st_uid, status.st_gid) == (0, user_id(layout, "coredns"))
        assert stat.S_IMODE(status.st_mode) == mode


@needs_root
def test_the_command_leaves_no_rights(layout: Layout) -> None:
    command = [*command_without_rights(layout, "traefik"), "cat", "/proc/self/status"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    status = {line.split(":")[0]: line.split(":")[1].split() for line in printed.splitlines()}
    assert set(status["Uid"]) == set(status["Gid"]) == {str(user_id(layout, "traefik"))}
    assert (status["Groups"], status["NoNewPrivs"]) == ([], ["1"])
    assert {status[name][0].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {""}


@needs_root
def test_what_is_handed_over_can_be_read_without_rights_and_another_components_can_not(layout: Layout) -> None:
    for component in COMPONENTS:
        hand_over(layout, component, {own_file(layout, component, "kubeconfig"): component})

    def read(component: str) -> subprocess.CompletedProcess[bytes]:
        command = [*command_without_rights(layout, "coredns"), "cat", f"{component}/kubeconfig"]
        return subprocess.run(command, check=False, capture_output=True, cwd=layout.state)

    assert (read("coredns").returncode, read("coredns").stdout) == (0, b"coredns")
    assert b"Permission denied" in read("traefik").stderr
