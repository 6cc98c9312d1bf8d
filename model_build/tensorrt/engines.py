"""Compiled engines on the storage, under their own address: what costs minutes of a GPU is compiled once."""

import errno
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Final

from contract.served import PLAN_FILE
from model_build.digest import sha256_of_bytes
from model_build.tensorrt.record import Compilation, compilation_from_document, document_from_compilation

_LOGGER = logging.getLogger(__name__)
_RECORD_FILE: Final = "engine.json"


def engine_from_folder(folder: Path) -> tuple[bytes, Compilation] | None:
    """Read an engine, and how it was compiled.

    Returns:
        None where there is none, or a damaged one, which is said.
    """
    if not folder.is_dir():
        return None
    try:
        plan = (folder / PLAN_FILE).read_bytes()
        record = json.loads((folder / _RECORD_FILE).read_bytes())
        if record["sha256"] == sha256_of_bytes(plan):
            return plan, compilation_from_document(record)
    except (FileNotFoundError, LookupError, TypeError, ValueError):
        pass
    _LOGGER.warning("%s is damaged and not used; it is compiled anew", folder)
    return None


def write_engine(plan: bytes, compilation: Compilation, folder: Path) -> None:
    """Keep an engine for the next plan that serves it, by one rename; a damaged one gives way.

    Of two builds that compiled the same engine at once, one's stays.
    """
    folder.parent.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        (scratch / PLAN_FILE).write_bytes(plan)
        record = {"sha256": sha256_of_bytes(plan), **document_from_compilation(compilation)}
        (scratch / _RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")
        scratch.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)  # which is not there any more where all went well
