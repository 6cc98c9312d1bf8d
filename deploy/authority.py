"""The authority that a stack's clients trust, as a file for the programs that want one."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from deploy.environment import state_folder

_READABLE = 0o644


def authority_file(stack: str, environment: Mapping[str, str]) -> Path | None:
    """Return the file of a stack's authority, or None where its last proof has found none.

    Args:
        stack: its name.
        environment: what says where the user's state folder is.
    """
    file = _place(stack, environment)
    return file if file.exists() else None


def noted_authority(pem: str | None, stack: str, environment: Mapping[str, str]) -> Path | None:
    """Write a stack's authority down where it has changed, and return its file.

    Args:
        pem: its certificates; None where clients trust the URL without, and the file goes.
        stack: its name.
        environment: what says where the user's state folder is.
    """
    file = _place(stack, environment)
    if pem is None:
        file.unlink(missing_ok=True)
        return None
    if not file.exists() or file.read_text(encoding="utf-8") != pem:
        descriptor, scratch = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(pem)
            os.fchmod(descriptor, _READABLE)
        Path(scratch).replace(file)
    return file


def _place(stack: str, environment: Mapping[str, str]) -> Path:
    return state_folder(environment) / f"{quote(stack, safe='')}.ca.pem"
