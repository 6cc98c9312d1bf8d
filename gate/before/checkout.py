"""The checkout that a gate deploys from: its commit, and the programs of earlier commits."""

import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from deploy.commands import ROOT, output_of
from deploy.errors import CommandFailedError
from gate.errors import FailedError, RefusedError

_STACK_FILE = re.compile(r"Pulumi\.[\w.-]+\.yaml")


def commit_of_checkout(environment: dict[str, str], inputs: Iterable[Path]) -> str:
    """Return the commit that this checkout is, so that a release can be brought back from it.

    The stacks' own files may differ from the commit: a release stores the configuration itself.

    Args:
        environment: what git runs in.
        inputs: the files that the configuration names: labels and pictures.

    Raises:
        RefusedError: the checkout is no clone, or has something that no commit holds.
    """
    try:
        commit = output_of(["git", "rev-parse", "--verify", "HEAD"], environment).strip()
        status = output_of(["git", "status", "--porcelain", "--untracked-files=all"], environment)
    except CommandFailedError as error:
        raise RefusedError(
            f"{ROOT.name}: git does not say which commit this is ({error}); accepted: a clone with a commit, for a "
            "release is brought back from its commit; git init, git add --all and git commit make one"
        ) from error
    changed = [line[3:] for line in status.splitlines() if not _STACK_FILE.fullmatch(line[3:])]
    if changed:
        raise RefusedError(
            f"the checkout has what no commit holds: {', '.join(changed[:4])}{' …' if changed[4:] else ''}; accepted: "
            "a clean checkout, for a release is brought back from its commit; git commit it, or git stash --all"
        )
    for path in inputs:
        _require_held(path, environment)
    return commit


def program_of_commit(commit: str, folder: Path, environment: dict[str, str]) -> Path:
    """Put a commit's files into a folder of their own, whole or not at all, and return it.

    Args:
        commit: full hash.
        folder: where programs are kept, each under its commit.
        environment: what git runs in.

    Raises:
        FailedError: this clone does not have the commit.
    """
    program = folder / commit
    if program.is_dir():
        return program
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{commit[:12]}.", dir=folder))
    try:
        packed, files = scratch / "packed.tar", scratch / "files"
        _archive(commit, packed, environment)
        with tarfile.open(packed) as archive:
            # Debian 12's Python has no filters yet
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(files)  # noqa: S202 - what this clone's git has packed
        files.rename(program)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return program


def remove_programs(folder: Path, kept: Iterable[str]) -> None:
    """Remove the programs of commits that no kept release names; what another run is laying out has a dot first."""
    names = set(kept)
    for program in folder.glob("[!.]*"):
        if program.name not in names:
            shutil.rmtree(program, ignore_errors=True)


def _require_held(path: Path, environment: dict[str, str]) -> None:
    """See that the commit holds a file, under a name that means it in every checkout."""
    why = f"{path}, which the stack's file names,"
    accepted = "accepted: a file that the commit holds, for a release is brought back from its commit"
    if not (ROOT / path).resolve().is_relative_to(ROOT):
        raise RefusedError(f"{why} lies outside of the checkout; {accepted}; copy it here, commit it and name that")
    if path.is_absolute():
        relative = (ROOT / path).resolve().relative_to(ROOT)
        raise RefusedError(f"{why} is elsewhere in another checkout; accepted: a relative path; write {relative}")
    try:
        output_of(["git", "--literal-pathspecs", "ls-files", "--error-unmatch", "--", str(path)], environment)
    except CommandFailedError as error:
        raise RefusedError(f"{why} is in no commit; {accepted}; git add --force {path}, and git commit") from error


def _archive(commit: str, target: Path, environment: dict[str, str]) -> None:
    archive = ["git", "archive", "--format=tar", f"--output={target}", commit]
    try:
        if not _has(commit, environment):
            output_of(["git", "fetch", "--quiet", "origin", commit], environment)
        output_of(archive, environment)
    except CommandFailedError as error:
        raise FailedError(
            f"commit {commit[:12]} is not in this clone and cannot be fetched ({error}); accepted: a clone with its "
            "whole history; git fetch --unshallow origin, then the same command again"
        ) from error


def _has(commit: str, environment: dict[str, str]) -> bool:
    try:
        output_of(["git", "cat-file", "-e", f"{commit}^{{commit}}"], environment)
    except CommandFailedError:
        return False
    return True
