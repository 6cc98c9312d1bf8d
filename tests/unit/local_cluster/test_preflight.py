from pathlib import Path

import pytest

from local_cluster import preflight
from local_cluster.errors import PreflightError, ProgramError
from local_cluster.layout import Layout


@pytest.fixture(autouse=True)
def fit_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a fault, with all that `make tools` brings, whatever the real one is."""
    for name in ("gateway-api", "traefik"):
        (tmp_path / "share" / name).mkdir(parents=True)
        (tmp_path / "share" / name / "crd.yaml").touch()
    monkeypatch.setenv("DENSENET_TOOLS_SHARE", str(tmp_path / "share"))
    monkeypatch.setattr("local_cluster.programs.find", lambda program: f"/bin/{program}")
    monkeypatch.setattr("local_cluster.programs.cni_folder", lambda: Path("/usr/lib/cni"))
    monkeypatch.setattr(preflight, "machine_faults", lambda _layout: [])
    monkeypatch.setattr("local_cluster.programs.run", lambda _command: "")


def faults(layout: Layout) -> tuple[str, ...]:
    with pytest.raises(PreflightError) as caught:
        preflight.check_all(layout)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_a_fit_machine_passes(layout: Layout) -> None:
    preflight.check_all(layout)


def test_a_program_that_make_tools_builds_is_named_with_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.find", lambda program: None if program == "kubelet" else program)

    (fault,) = faults(layout)
    assert fault.startswith("not on PATH: kubelet; run `make tools`")


def test_a_program_of_debian_is_named_with_its_package(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.find", lambda program: None if program == "nft" else program)

    assert faults(layout) == ("not on PATH: nft; apt-get install nftables",)


def test_programs_with_the_same_cure_share_a_line(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ("etcd", "traefik", "nsenter", "unshare")
    monkeypatch.setattr("local_cluster.programs.find", lambda program: None if program in missing else program)

    debian, built = faults(layout)
    assert debian == "not on PATH: nsenter, unshare; apt-get install util-linux"
    assert built.startswith("not on PATH: etcd, traefik; run `make tools`")


def test_absent_cni_plugins_are_named_with_their_package(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.cni_folder", lambda: None)

    (fault,) = faults(layout)
    assert "apt-get install containernetworking-plugins" in fault


def test_absent_definitions_are_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DENSENET_TOOLS_SHARE")

    (fault,) = faults(layout)
    assert fault.startswith("DENSENET_TOOLS_SHARE is not set: run `make tools`")


def test_all_faults_are_told_at_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.cni_folder", lambda: None)
    monkeypatch.delenv("DENSENET_TOOLS_SHARE")

    monkeypatch.setattr(preflight, "machine_faults", lambda _layout: ["port 8801 is in use"])

    assert len(faults(layout)) == 3


def test_a_kernel_without_masquerading_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_command: object) -> str:
        raise ProgramError("`unshare --net nft …` ended with status 1: Operation not supported")

    monkeypatch.setattr("local_cluster.programs.run", refuse)

    (fault,) = faults(layout)
    assert fault.startswith("the kernel gives no masquerading")
