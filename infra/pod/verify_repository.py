"""Verify a mounted model repository against its manifest, before Triton starts.

Runs as the pod's init container: plain Python 3.8, no packages. Every file must have the digest that the
manifest records, none may be missing, none may be there that the manifest does not name, and the plan must be
the one that this pod was declared with.

    python3 verify_repository.py --repository /mnt/model --expected /proof/expected.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "manifest.json"
SCHEMA = 1
_CHUNK_BYTES = 1024 * 1024
_MOST_LINES = 20


class RepositoryError(Exception):
    """The repository can't even be compared."""


def main() -> int:
    """Print every difference, one a line; the exit status says whether there is any."""
    parser = argparse.ArgumentParser(description="Verify a model repository against its manifest.")
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--expected", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        manifest = manifest_from_repository(arguments.repository)
        expected = json.loads(arguments.expected.read_text(encoding="utf-8"))
        found = list(differences(arguments.repository, manifest, expected))
    except (RepositoryError, OSError) as error:
        found = [str(error)]
    if found:
        more = [f"and {len(found) - _MOST_LINES} more"] if len(found) > _MOST_LINES else []
        sys.stdout.write("\n".join([*found[:_MOST_LINES], *more]) + "\n")
        return 1
    sys.stdout.write(f"plan {manifest['planId']}: {len(manifest['files'])} files are as published\n")
    return 0


def manifest_from_repository(repository: Path) -> dict[str, Any]:
    """Read the repository's manifest.

    Raises:
        RepositoryError: there is none, or it is not one of this schema.
    """
    try:
        manifest = json.loads((repository / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        there = sorted(path.name for path in repository.iterdir()) if repository.is_dir() else []
        raise RepositoryError(f"no {MANIFEST} in the repository; there is: {', '.join(there) or 'nothing'}") from None
    except ValueError as error:
        raise RepositoryError(f"{MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise RepositoryError(f"{MANIFEST} is not of schema {SCHEMA}")
    if not isinstance(manifest.get("files"), dict):
        raise RepositoryError(f"{MANIFEST} names no files")
    return manifest


def differences(repository: Path, manifest: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    """Yield a line for everything that is not as published."""
    for key in ("planId", "model", "maxBatchSize"):
        if manifest.get(key) != expected[key]:
            yield f"{key}: the repository has {manifest.get(key)!r}, this pod was declared with {expected[key]!r}"
    named = manifest["files"]
    there = {path.relative_to(repository).as_posix(): path for path in sorted(repository.rglob("*"))}
    files = {name: path for name, path in there.items() if path.is_symlink() or not path.is_dir()}
    for name in sorted(set(named) - set(files)):
        yield f"{name}: missing"
    for name in sorted(set(files) - set(named) - {MANIFEST}):
        yield f"{name}: not in the manifest"
    for name in sorted(set(files) & set(named)):
        if files[name].is_symlink():
            yield f"{name}: a symbolic link"
            continue
        digest = digest_of(files[name])
        if digest != named[name]:
            size_bytes = files[name].stat().st_size
            yield f"{name}: sha256 {digest} ({size_bytes} bytes), published was {named[name]}"


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
