"""The labels file and the expected picture, read where the configuration names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.config import REPOSITORY, StackConfig, config_from_values
from infra.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


def configured(values: dict[str, Any], **model: Any) -> StackConfig:
    values["densenet-triton:model"] |= model
    return config_from_values(values, stack="x")


def fault(values: dict[str, Any], **model: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(values, **model)
    (line,) = caught.value.lines
    return line


def file_of(folder: Path, data: bytes) -> str:
    path = folder / "file"
    path.write_bytes(data)
    return str(path)


def test_labels_end_with_a_line_feed_whatever_the_file_has(dev_values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    source = {"kind": "onnx", "url": f"file://{tmp_path}/m.onnx", "sha256": "b" * 64}
    labels = file_of(tmp_path, b"CUP\r\nMUG")
    expect = {"image": "smoke_tests/data/mug.png", "class": 1}
    inputs = configured(dev_values, source=source, labels=labels, expect=expect).inputs
    assert inputs.labels_text == "CUP\nMUG\n"
    assert inputs.label == "MUG"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"CUP\n" * 999, "has 999 lines, and the fixture has 1000 scores"),
        (b"CUP\n\nMUG\n", "has an empty line 2"),
        (b"\xff\n", "is not UTF-8 text"),
        (b"", "has 0 bytes"),
    ],
)
def test_a_labels_file_that_does_not_fit(dev_values: dict[str, Any], tmp_path: Path, data: bytes, why: str) -> None:
    line = fault(dev_values, labels=file_of(tmp_path, data))
    assert "densenet-triton:model.labels is " in line
    assert why in line


def test_files_that_are_not_there_are_all_named(dev_values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(dev_values, labels="no/labels.txt", expect={"image": "no/mug.png", "class": 504})
    assert [" ".join(line.split()[1:4]) for line in caught.value.lines] == [
        "densenet-triton:model.labels is no/labels.txt:",
        "densenet-triton:model.expect.image is no/mug.png:",
    ]
    assert all("No such file or directory" in line for line in caught.value.lines)


def test_a_folder_is_no_picture(dev_values: dict[str, Any]) -> None:
    assert "model.expect.image is docs" in fault(dev_values, expect={"image": "docs", "class": 504})


@pytest.mark.parametrize("size", [1, MIB])
def test_a_picture_of_a_megabyte_travels(dev_values: dict[str, Any], tmp_path: Path, size: int) -> None:
    expect = {"image": file_of(tmp_path, b"x" * size), "class": 504}
    assert len(configured(dev_values, expect=expect).inputs.image) == size


@pytest.mark.parametrize("size", [0, MIB + 1])
def test_a_picture_that_does_not_fit_into_a_config_map(dev_values: dict[str, Any], tmp_path: Path, size: int) -> None:
    expect = {"image": file_of(tmp_path, b"x" * size), "class": 504}
    assert f"which has {size} bytes; accepted: a file of 1 to 1048576 bytes" in fault(dev_values, expect=expect)


def test_the_class_must_have_a_label(dev_values: dict[str, Any]) -> None:
    line = fault(dev_values, expect={"image": "smoke_tests/data/mug.png", "class": 1000})
    assert "model.expect.class is 1000; accepted: 0 to 999, one for each line of infra/data" in line


def test_the_label_must_be_the_classs(dev_values: dict[str, Any]) -> None:
    expect = {"image": "smoke_tests/data/mug.png", "class": 968, "label": "COFFEE MUG"}
    line = fault(dev_values, expect=expect)
    assert 'model.expect.label is "COFFEE MUG", and line 969 of infra/data/imagenet_labels.txt is another' in line
    assert line.endswith("; mend: in Pulumi.x.yaml set model.expect.label: CUP")


def test_the_photo_of_the_quick_start_travels(dev_values: dict[str, Any]) -> None:
    photo = REPOSITORY.parent / "shared" / "models" / "mug.jpg"
    if not photo.is_file():
        pytest.skip("../shared is not here")
    expect = {"image": "../shared/models/mug.jpg", "class": 504}
    assert configured(dev_values, expect=expect).inputs.image == photo.read_bytes()
