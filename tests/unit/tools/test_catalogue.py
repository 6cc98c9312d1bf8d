import json
import re
from pathlib import Path

import pytest

from tools.catalogue import FOLDER, Tool, catalogue, chosen, pinned_version
from tools.errors import CatalogueError

ROOT = FOLDER.parent
_SHARED_BY_ALL = (
    *(f"golang.org/x/{name}" for name in ("crypto", "net", "sync", "sys", "term", "text", "time")),
    "google.golang.org/grpc",
    "google.golang.org/protobuf",
)
_SHARED_BY_CLIENTS = (
    *(f"golang.org/x/{name}" for name in ("net", "sys", "term", "text", "time")),
    "google.golang.org/protobuf",
)
TOOLS = {tool.name: tool for tool in catalogue()}


def test_every_program_that_the_project_runs_is_listed() -> None:
    programs = {program.name for tool in TOOLS.values() for program in tool.programs}

    assert programs == {
        *("pulumi", "pulumi-resource-kubernetes"),
        *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl"),
        *("containerd", "containerd-shim-runc-v2", "ctr", "coredns", "kube-router", "traefik", "pause"),
        *("karpenter", "kwok", "local-path-provisioner", "actionlint"),
    }


def names(*only: str) -> set[str]:
    return {tool.name for tool in chosen(TOOLS.values(), *only)}


def test_only_chooses_by_what_a_tool_serves() -> None:
    assert names("pulumi") == {"pulumi", "pulumi-kubernetes", "kubectl"}
    assert names("cluster") == names() - {"pulumi", "pulumi-kubernetes", *names("simulation", "guest", "lint")}


def test_what_a_deployment_needs_has_nothing_of_the_tests() -> None:
    assert names("simulation") == {"karpenter", "kwok"}
    assert names("lint") == {"actionlint"}
    assert names("guest") == {"local-path-provisioner"}
    assert names("cluster", "pulumi") == names() - names("simulation", "guest", "lint")


def test_the_simulation_s_programs_are_never_taken_from_path() -> None:
    simulation = chosen(TOOLS.values(), "simulation")

    assert all(program.suitable is None for tool in simulation for program in tool.programs)


def test_a_cluster_of_one_s_own_needs_of_kubernetes_only_kubectl() -> None:
    assert [program.name for program in TOOLS["kubectl"].programs] == ["kubectl"]


def test_kubernetes_is_stamped_with_the_version_that_its_go_mod_pins() -> None:
    flags = TOOLS["kubernetes"].ldflags()

    assert "-X=k8s.io/component-base/version.gitVersion=v1.37.2" in flags
    assert "-X=k8s.io/client-go/pkg/version.gitMinor=37" in flags


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_every_tool_is_pinned_by_a_module_of_its_own_name(tool: Tool) -> None:
    go_mod = (tool.folder / "go.mod").read_text()

    assert go_mod.startswith(f"module densenet-triton/tools/{tool.folder.name}\n")
    assert (tool.folder / "go.sum").exists() or "require" not in go_mod


@pytest.mark.parametrize(
    ("module", "folders"),
    [
        *(
            (module, ("containerd", "coredns", "kubernetes", "pulumi", "pulumi-kubernetes"))
            for module in _SHARED_BY_ALL
        ),
        *(
            (module, ("coredns", "kube-router", "kubernetes"))
            for module in ("k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go", *_SHARED_BY_CLIENTS)
        ),
    ],
)
def test_what_the_large_modules_share_is_of_one_version_and_so_compiled_once(
    module: str, folders: tuple[str, ...]
) -> None:
    assert len({pinned_version(FOLDER / "go" / folder / "go.mod", module) for folder in folders}) == 1


def test_the_python_packages_and_the_built_programs_are_of_one_version() -> None:
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    provider = TOOLS["pulumi-kubernetes"].programs[0]

    assert f"=v{locked['pulumi']}" in TOOLS["pulumi"].ldflags()
    assert provider.suitable is not None
    assert str(provider.suitable["pulumi"]) == f"=={locked['pulumi-kubernetes']}"
    assert provider.plugin == f"resource-kubernetes-v{locked['pulumi-kubernetes']}"
    main = (TOOLS["pulumi-kubernetes"].folder / "main.go").read_text()
    assert f"const version = {json.dumps(locked['pulumi-kubernetes'])}" in main


def test_a_list_with_a_fault_names_the_file_and_the_fault(tmp_path: Path) -> None:
    faulty = tmp_path / "programs.toml"
    faulty.write_text('[tool.x]\nserves = ["nobody"]\nfolder = "x"\nbuild_s = 1\ndisk_gib = 1\n')

    said = r"programs.toml: .*\['nobody'\]; accepted: a list of cluster, pulumi, simulation, guest, lint; restore"
    with pytest.raises(CatalogueError, match=said):
        catalogue(faulty)


def test_a_list_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="restore the file: git checkout"):
        catalogue(tmp_path / "programs.toml")
