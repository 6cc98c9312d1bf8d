"""Who imports which packages of others; which of our own, `.importlinter` says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = {
    *("bench", "contract", "deploy", "gate", "infra", "local_cluster", "model_build", "policy", "smoke_tests", "tools")
}
ALLOWED = {
    "contract": set[str](),
    "contract/pictures.py": {"numpy", "PIL"},
    "infra": {"pulumi", "pulumi_kubernetes", "pydantic", "pydantic_core", "yaml"},
    "infra/pod": set[str](),
    "model_build": {
        *("google", "numpy", "onnx", "onnxconverter_common", "onnxruntime", "PIL", "polygraphy"),
        *("triton_python_backend_utils", "tritonclient"),
    },
    "smoke_tests": {"numpy", "PIL", "pytest", "tritonclient", "gevent", "geventhttpclient"},
    "local_cluster": {"cryptography", "psutil", "yaml"},
    "tools": set[str](),
    "tools/language_host": {"google", "grpc", "pulumi"},
    "deploy": {"psutil", "yaml"},
    "deploy/before/certificate_faults.py": {"cryptography"},
    "gate": {"psutil", "pydantic", "yaml"},
    "policy": {"pulumi_policy"},
    "bench": {"numpy", "onnx", "onnxruntime", "PIL", "polygraphy", "tritonclient", "yaml"},
}
"""By folder, or file with a rule of its own."""


def imported_by(path: Path) -> set[str]:
    """The packages that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports here are absolute"
            names.add(str(node.module))
    return {name.partition(".")[0] for name in names}


def files_of(place: str) -> list[Path]:
    """The files of a folder; what has a rule of its own is left out."""
    if place.endswith(".py"):
        return [REPOSITORY / place]
    ruled = [REPOSITORY / other for other in ALLOWED if other.startswith(f"{place}/")]
    files = sorted((REPOSITORY / place).rglob("*.py"))
    return [file for file in files if not {file, *file.parents} & set(ruled)]


@pytest.mark.parametrize("place", ALLOWED)
def test_a_folder_imports_only_the_packages_that_it_may(place: str) -> None:
    assert files_of(place), f"{place} is not there"
    wrong = {
        f"{path.relative_to(REPOSITORY)} imports {name}"
        for path in files_of(place)
        for name in imported_by(path) - sys.stdlib_module_names - OURS - ALLOWED[place]
    }
    assert wrong == set()


def test_every_package_of_ours_has_a_rule_here_and_in_the_linters_file() -> None:
    folders = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")}
    assert folders == OURS == {place for place in ALLOWED if "/" not in place}
    listed = (REPOSITORY / ".importlinter").read_text(encoding="utf-8").partition("include_external_packages")[0]
    assert set(listed.partition("root_packages =")[2].split()) == OURS


def test_what_others_take_of_infra_does_not_load_pulumi() -> None:
    """The linter does not see what the packages around a module load."""
    program = (
        "import sys, infra.config, infra.errors, infra.images, infra.release; "
        "print(*(name for name in sys.modules if name.startswith('pulumi')))"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.stdout == "\n"
