"""What a user sees who calls the smoke tests wrongly: one line, a status, no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


def smoke_tests(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "smoke_tests", "-p", "no:cacheprovider", *options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "ERROR: --url is missing; accepted is "),
        (["--url", "ftp://host"], "ERROR: 'ftp://host' is no URL of a server; accepted is "),
        (["--url", "host", "--manifest", "/no/such.json"], "ERROR: --manifest /no/such.json: No such file"),
        (["--url", "host", "--other-image", "file:///no#sha256=" + 64 * "0"], "ERROR: --other-image file:///no: "),
    ],
)
def test_option_that_can_not_be_used_is_one_line(options: list[str], said: str) -> None:
    run = smoke_tests(*options)
    assert (run.returncode, run.stdout) == (4, "")
    assert run.stderr.strip().startswith(said)
    assert len(run.stderr.strip().splitlines()) == 1


def test_nobody_there_is_one_line() -> None:
    run = smoke_tests("--url", "127.0.0.1:1", "--await-s", "0")
    refused = "GET http://127.0.0.1:1/v2/health/live: [Errno 111] Connection refused"
    said = f"Exit: http://127.0.0.1:1 was not reached within 0 s: {refused}; correct the URL, or what stands between it"
    assert run.returncode == 7
    assert run.stderr == f"{said} and the server, or wait longer: --await-s, for a stack endpoint.timeoutS\n"
    assert "Traceback" not in run.stdout


def test_help_names_the_options_and_asks_nobody() -> None:
    run = smoke_tests("--help")
    assert run.returncode == 0
    for option in ("--url", "--replica-url", "--manifest", "--expect-class", "--inception", "--preprocessing"):
        assert option in run.stdout


def test_list_of_tests_asks_nobody() -> None:
    run = smoke_tests("--url", "127.0.0.1:1", "--collect-only", "-q")
    assert run.returncode == 0
    assert "test_expected_class_is_on_top[127.0.0.1:1-smoke_tests/data/mug.png]" in run.stdout
