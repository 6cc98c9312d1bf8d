"""Who imports what: the folders meet only in data."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ALLOWED = {
    "infra": {"contract", "infra", "pulumi", "pulumi_kubernetes", "pydantic", "pydantic_core", "yaml"},
    "infra/pod": {"contract", "infra"},
    "contract": {"contract", "numpy", "PIL"},
    "model_build": {
        *(
            "contract",
            "model_build",
            "google",
            "numpy",
            "onnx",
            "onnxconverter_common",
            "onnxruntime",
            "PIL",
            "polygraphy",
        ),
        "tritonclient",
        "triton_python_backend_utils",
    },
    "smoke_tests": {"smoke_tests", "contract", "numpy", "PIL", "pytest", "tritonclient", "geventhttpclient"},
    "local_cluster": {"local_cluster", "cryptography", "psutil", "yaml"},
    "tools": {"tools"},
    "tools/language_host": {"tools", "google", "grpc", "pulumi"},
    "deploy": {"deploy", "infra", "psutil", "tools", "yaml"},
    "gate": {"gate", "deploy", "infra", "psutil", "pydantic", "tools", "yaml"},
    "policy": {"policy", "infra", "pulumi_policy"},
    "bench": {
        *(
            "bench",
            "contract",
            "deploy",
            "local_cluster",
            "model_build",
            "numpy",
            "onnx",
            "onnxruntime",
            "PIL",
            "polygraphy",
        ),
        *("tools", "tritonclient", "yaml"),
    },
}
TAKEN_FROM_INFRA = {"infra.config", "infra.errors", "infra.images", "infra.release"}


def imported_by(path: Path) -> set[str]:
    """The absolute names that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are absolute"
            names.add(str(node.module))
    return names


def imported_in(folder: str) -> dict[str, Path]:
    """What the files of a folder import beside the standard library; an inner folder with its own rule is left out."""
    found: dict[str, Path] = {}
    for path in sorted((REPOSITORY / folder).rglob("*.py")):
        inner = path.parent.relative_to(REPOSITORY).as_posix()
        if inner == folder or inner not in ALLOWED:
            found |= dict.fromkeys(imported_by(path), path)
    return {name: path for name, path in found.items() if name.partition(".")[0] not in sys.stdlib_module_names}


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_a_folder_imports_only_what_is_its_own(folder: str) -> None:
    assert list((REPOSITORY / folder).rglob("*.py")), f"{folder} is not there"
    wrong = {
        name: str(path.relative_to(REPOSITORY))
        for name, path in imported_in(folder).items()
        if name.partition(".")[0] not in ALLOWED[folder]
    }
    assert wrong == {}


@pytest.mark.parametrize("folder", ["deploy", "gate", "policy"])
def test_only_the_pure_parts_of_infra_are_taken(folder: str) -> None:
    taken = {name for name in imported_in(folder) if name.partition(".")[0] == "infra"}
    assert {".".join(name.split(".")[:2]) for name in taken} <= TAKEN_FROM_INFRA


@pytest.mark.parametrize("folder", ["bench", "deploy", "gate"])
def test_of_the_tools_only_the_privileges_are_taken(folder: str) -> None:
    """What else they do is asked for by their command line: it must do without this environment."""
    assert {name for name in imported_in(folder) if name.partition(".")[0] == "tools"} == {"tools.privileges"}


@pytest.mark.parametrize("name", sorted(TAKEN_FROM_INFRA))
def test_the_pure_parts_of_infra_do_not_load_pulumi(name: str) -> None:

    check = f"import sys, {name}; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False, cwd=REPOSITORY).returncode == 0
