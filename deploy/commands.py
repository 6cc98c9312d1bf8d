"""Running the other parts: each is a command, and its exit status is its word."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from deploy.errors import CommandFailedError, ProgramMissingError, StepFailedError

ROOT = Path(__file__).resolve().parent.parent

Started = Callable[["subprocess.Popen[Any]"], object]
"""Is given a command's process, once it runs."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: Path = ROOT,
    stdout: IO[str] | None = None,
    started: Started | None = None,
) -> None:
    """Run a command, its output shown as it comes.

    Args:
        command: with its arguments.
        environment: what it runs in.
        cwd: the folder that it runs in.
        stdout: where its standard output goes; without it where this process's goes.
        started: is given its process.

    Raises:
        ProgramMissingError: there is no such program on PATH.
        StepFailedError: it ended with another status than 0, and has said why.
    """
    returncode = status_of(command, environment, cwd=cwd, stdout=stdout, started=started)
    if returncode != 0:
        raise StepFailedError(f"'{_short(command)}' ended with status {returncode}; its reason stands above")


def status_of(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: Path = ROOT,
    stdout: IO[str] | None = None,
    started: Started | None = None,
) -> int:
    """Run a command as `run` does and return its exit status.

    Ctrl-C reaches the command too, as it reaches all of the terminal's foreground: it is waited for, so that it can
    put its affairs in order, and only then the interrupt goes on.
    """
    interrupt: KeyboardInterrupt | None = None
    try:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=stdout)
    except FileNotFoundError as error:
        raise _missing(command) from error
    if started is not None:
        started(process)
    while True:
        try:
            returncode = process.wait()
        except KeyboardInterrupt as error:
            interrupt = error
        else:
            break
    if interrupt is not None:
        raise interrupt
    return returncode


def output_of(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout_s: float = 60,
    input_text: str | None = None,
    cwd: Path | None = None,
    started: Started | None = None,
) -> str:
    """Return what a command prints on standard output.

    Args:
        command: with its arguments.
        environment: what it runs in.
        timeout_s: longest time that it may take.
        input_text: its standard input; without it that of this process.
        cwd: the folder that it runs in; without it the repository's root.
        started: is given its process.

    Raises:
        ProgramMissingError: there is no such program on PATH.
        CommandFailedError: it failed or took longer than `timeout_s`; the text is its last line on standard error.
    """
    pipe = subprocess.PIPE
    given = None if input_text is None else pipe
    try:
        process = subprocess.Popen(
            command, cwd=cwd or ROOT, env=environment, stdin=given, stdout=pipe, stderr=pipe, text=True
        )
    except FileNotFoundError as error:
        raise _missing(command) from error
    with process:
        if started is not None:
            started(process)
        try:
            stdout, stderr = process.communicate(input_text, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise CommandFailedError(f"'{_short(command)}' did not answer within {timeout_s:.0f} s") from error
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        reason = (stderr.strip() or stdout.strip() or "it gave no reason").splitlines()[-1]
        raise CommandFailedError(f"'{_short(command)}' ended with status {process.returncode}: {reason}")
    return stdout


def _short(command: Sequence[str]) -> str:
    name, *arguments = command
    return " ".join([Path(name).name, *arguments[:4]]) + (" …" if len(arguments) > 4 else "")  # noqa: PLR2004 - for reading


def _missing(command: Sequence[str]) -> ProgramMissingError:
    return ProgramMissingError(f"{command[0]} is not on PATH; have it installed or built: make tools")
