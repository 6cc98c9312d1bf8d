"""The init container: a repository is as published, or every difference is named."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.infra.pod.conftest import Pod

SCRIPT = "verify_repository.py"


def differences(pod: Pod) -> list[str]:
    result = pod.run(SCRIPT)
    assert (result.returncode, result.stderr) == (1, "")
    return result.stdout.splitlines()


def test_a_repository_as_published(pod: Pod) -> None:
    result = pod.run(SCRIPT)
    assert (result.returncode, result.stdout) == (0, "plan 0123456789abcdef: 3 files are as published\n")


def test_one_flipped_bit(pod: Pod) -> None:
    (pod.repository / "mug/1/model.onnx").write_bytes(b"onny")
    (line,) = differences(pod)
    assert line.startswith("mug/1/model.onnx: sha256 ")
    assert " (4 bytes), published was " in line


def test_a_truncated_a_missing_and_an_extra_file_are_all_named(pod: Pod) -> None:
    (pod.repository / "golden_input.bin").write_bytes(b"")
    (pod.repository / "mug/1/model.onnx").unlink()
    (pod.repository / "mug/1/model.py").write_text("surprise")
    lines = differences(pod)
    assert lines[:2] == ["mug/1/model.onnx: missing", "mug/1/model.py: not in the manifest"]
    assert lines[2].startswith("golden_input.bin: sha256 ")


def test_a_symbolic_link_is_no_file(pod: Pod) -> None:
    (pod.repository / "mug/config.pbtxt").rename(pod.proof / "config.pbtxt")
    (pod.repository / "mug/config.pbtxt").symlink_to(pod.proof / "config.pbtxt")
    assert differences(pod) == ["mug/config.pbtxt: a symbolic link"]


def test_another_plan(pod: Pod) -> None:
    pod.change(pod.proof / "expected.json", planId="fedcba9876543210")
    assert differences(pod) == [
        "planId: the repository has '0123456789abcdef', this pod was declared with 'fedcba9876543210'"
    ]


def test_a_repository_that_the_server_could_change(pod: Pod) -> None:
    pod.read_only = False
    assert differences(pod) == [".: writable in this pod, which executes what it holds; the mount must be read-only"]


def test_an_empty_repository(pod: Pod) -> None:
    shutil.rmtree(pod.repository)
    pod.repository.mkdir()
    assert differences(pod) == ["no manifest.json in the repository; there is: nothing"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "is not of schema 1"),
        ('{"schema": 2}', "schema 1"),
        ('{"schema": 1}', "names no files"),
    ],
)
def test_a_manifest_that_is_none(pod: Pod, text: str, why: str) -> None:
    (pod.repository / "manifest.json").write_text(text)
    (line,) = differences(pod)
    assert line.startswith("manifest.json ")
    assert why in line


def test_a_long_list_is_cut(pod: Pod) -> None:
    for number in range(30):
        (pod.repository / f"{number:02}").touch()
    lines = differences(pod)
    assert len(lines) == 21
    assert lines[-1] == "and 10 more"
