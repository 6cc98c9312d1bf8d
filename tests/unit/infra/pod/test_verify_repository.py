"""The init container: a repository is as published, or every difference is named."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.infra.pod.conftest import MUG, Asked

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
    (pod.repository / "golden_input_0.bin").write_bytes(b"")
    (pod.repository / "mug/1/model.onnx").unlink()
    (pod.repository / "mug/1/model.py").write_text("surprise")
    lines = differences(pod)
    assert lines[:2] == ["mug/1/model.onnx: missing", "mug/1/model.py: not in the manifest"]
    assert lines[2].startswith("golden_input_0.bin: sha256 ")


def test_a_symbolic_link_is_no_file(pod: Pod) -> None:
    (pod.repository / "mug/config.pbtxt").rename(pod.proof / "config.pbtxt")
    (pod.repository / "mug/config.pbtxt").symlink_to(pod.proof / "config.pbtxt")
    assert differences(pod) == ["mug/config.pbtxt: a symbolic link"]


def test_a_name_that_is_no_text_stays_within_its_line(pod: Pod) -> None:
    for name in (b"caf\xe9", b"z\nplan 0123456789abcdef: 3 files are as published"):
        (pod.repository / "mug" / os.fsdecode(name)).touch()
    assert differences(pod) == [
        r"mug/caf\udce9: not in the manifest",
        r"mug/z\nplan 0123456789abcdef: 3 files are as published: not in the manifest",
    ]


def test_another_plan(pod: Pod) -> None:
    pod.expects(planId="fedcba9876543210")
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
        ("{", "not JSON"),
        ("[]", "accepted: a manifest of schema 2"),
        ('{"schema": 1}', "schema is 1; accepted: a manifest of schema 2"),
        ('{"schema": 2}', "planId is missing"),
        ("\ud800", "can't decode"),
    ],
)
def test_a_manifest_that_is_none(pod: Pod, text: str, why: str) -> None:
    (pod.repository / "manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    pod.expects(manifestSha256=pod.manifest_sha256)
    (line,) = differences(pod)
    assert line.startswith("manifest.json: ")
    assert why in line


def test_who_can_write_the_storage_cannot_forge_file_manifest_and_golden_together(pod: Pod) -> None:
    reported = pod.manifest_sha256
    (pod.repository / "mug/1/model.onnx").write_bytes(b"another model")
    pod.publish(Asked(scores=(0.0, 9.0, 1.0, 2.0)))
    pod.expects(manifestSha256=reported)
    size_bytes = (pod.repository / "manifest.json").stat().st_size
    assert differences(pod) == [
        f"manifest.json: sha256 {pod.manifest_sha256} ({size_bytes} bytes), reported by the build was {reported}"
    ]


def test_a_picture_that_the_plan_was_not_built_with(pod: Pod) -> None:
    pod.expects(pictures=[{"sha256": "0" * 64, **MUG.document()}])
    assert differences(pod) == [f"picture {'0' * 64}: not in the manifest"]


@pytest.mark.parametrize(
    "change", [{"class": 0, "label": "CUP", "top": []}, {"label": "CUP"}, {"top": [1]}, {"margin": 0.5}]
)
def test_a_picture_that_the_plan_was_built_with_for_another_answer(pod: Pod, change: dict[str, Any]) -> None:
    declared = MUG.document() | change
    pod.expects(pictures=[{"sha256": Asked().sha256, **declared}])
    assert differences(pod) == [
        f"picture {Asked().sha256}: the repository has {json.dumps(MUG.document())}, this pod was declared with "
        + json.dumps(declared)
    ]


def test_the_second_picture_is_looked_at_too(pod: Pod) -> None:
    pod.publish(Asked(), Asked(values=range(12, 24)))
    assert pod.run(SCRIPT).returncode == 0
    pod.expects(pictures=[{"sha256": sha256, **MUG.document()} for sha256 in (Asked().sha256, "0" * 64)])
    assert differences(pod) == [f"picture {'0' * 64}: not in the manifest"]


def test_a_long_list_is_cut(pod: Pod) -> None:
    for number in range(30):
        (pod.repository / f"{number:02}").touch()
    lines = differences(pod)
    assert len(lines) == 21
    assert lines[-1] == "and 10 more"
