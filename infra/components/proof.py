"""What a pod is given to verify and to prove itself: the scripts, what they import, and what they must find."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pulumi_kubernetes.core import v1 as core

from infra.config import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPECTED_FILE = "expected.json"
LABELS_FILE = "labels.txt"
PROOF_SCRIPTS = ("verify_repository.py", "prove_answer.py")
PROOF_MODULES = (
    "contract/__init__.py",
    "contract/comparison.py",
    "contract/digest.py",
    "contract/errors.py",
    "contract/expectation.py",
    "contract/fields.py",
    "contract/manifest.py",
    "contract/preprocessing.py",
    "contract/served.py",
    "infra/__init__.py",
    "infra/pod/__init__.py",
    "infra/pod/own_triton.py",
)
"""All that the scripts import; it lies in the pod as it lies in the repository."""

_DIGITS = 10


def script_texts() -> dict[str, str]:
    """Each script and module, by its path in the pod."""
    places = {script: f"infra/pod/{script}" for script in PROOF_SCRIPTS} | {module: module for module in PROOF_MODULES}
    return {path: (REPOSITORY / place).read_text(encoding="utf-8") for path, place in places.items()}


def key_of(path: str) -> str:
    """The ConfigMap's key of a file, for a key has no folders."""
    return path.replace("/", ".")


def items() -> list[core.KeyToPathArgs]:
    """Where a volume of the ConfigMap places each file."""
    paths = (*PROOF_SCRIPTS, *PROOF_MODULES, EXPECTED_FILE, LABELS_FILE)
    return [core.KeyToPathArgs(key=key_of(path), path=path) for path in paths]


def name_from_data(prefix: str, data: Mapping[str, str]) -> str:
    """The ConfigMap's name, another one for other content: pods that still run keep theirs."""
    digest = hashlib.sha256(json.dumps(dict(data), sort_keys=True).encode()).hexdigest()
    return f"{prefix}-{digest[:_DIGITS]}"
