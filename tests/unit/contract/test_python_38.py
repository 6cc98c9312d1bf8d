"""Triton's pods run these modules with the Python of their image, which may be 3.8."""

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

import contract

FOLDER = Path(contract.__file__).parent
MODULES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "pictures")
_KEYWORDS_OF_310 = {"kw_only", "slots", "strict"}
_METHODS_OF_39 = {"removeprefix", "removesuffix"}


def python_38() -> str:
    """Return a Python 3.8 that runs; a program of that name may be no more than a launcher's."""
    found = [shutil.which("python3.8"), *sorted(map(str, Path.home().glob(".pyenv/versions/3.8.*/bin/python3.8")))]
    for program in filter(None, found):
        asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.startswith("Python 3.8."):
            return str(program)
    pytest.skip("no Python 3.8 on this machine: that the modules run is not seen here")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_written_in_the_language_of_38(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert imported[:1] in ([], ["__future__"])
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not {keyword.arg for call in calls for keyword in call.keywords} & _KEYWORDS_OF_310
    assert not {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)} & _METHODS_OF_39


def test_python_38_imports_them_all_without_a_package() -> None:
    names = [f"contract.{path.stem}" for path in MODULES if path.stem != "__init__"]
    program = f"import sys; sys.path.insert(0, {str(FOLDER.parent)!r}); import {', '.join(names)}"
    subprocess.run([python_38(), "-I", "-S", "-B", "-W", "error", "-c", program], check=True)


def test_python_38_reads_a_manifest_and_compares_scores(tmp_path: Path) -> None:
    text = (
        f"import sys; sys.path.insert(0, {str(FOLDER.parent)!r})\n"
        "from contract import comparison, labels, preprocessing, urls\n"
        "made = preprocessing.preprocessing_from_value('imagenet', (3, 224, 224))\n"
        "assert preprocessing.preprocessing_from_value(made.document(), made.shape) == made\n"
        "assert urls.quoted_url('https://bücher.example/é') == 'https://xn--bcher-kva.example/%C3%A9'\n"
        "assert labels.labels_from_bytes(b'a\\r\\nb', name='labels') == ('a', 'b')\n"
        "tolerance = comparison.Tolerance(0.1, 0.9995)\n"
        "assert not comparison.disagreement([0.2, 0.8], [0.2, 0.8], scale='probabilities', tolerance=tolerance)\n"
        "assert comparison.disagreement([0.8, 0.2], [0.2, 0.8], scale='probabilities', tolerance=tolerance)\n"
    )
    path = tmp_path / "program.py"
    path.write_text(text, encoding="utf-8")
    subprocess.run([python_38(), "-I", "-S", "-B", "-W", "error", str(path)], check=True)
