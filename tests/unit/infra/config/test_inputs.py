"""The labels file and the expected picture, read where the configuration names them."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from PIL import Image

from contract import expectation as contract
from infra.config import REPOSITORY, StackConfig, config_from_values
from infra.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from infra.config import OnnxSource

MIB = 1024 * 1024
MUG = "smoke_tests/data/mug.png"
SHA256 = hashlib.sha256(b"").hexdigest()  # of the file that stands for a model


def two_classes(_: OnnxSource, __: Path) -> dict[str, Any]:
    return {"shape": [3, 224, 224], "classes": 2, "wholeNumbers": False}


def configured(values: dict[str, Any], **model: Any) -> StackConfig:
    values["densenet-triton:model"] |= model
    return config_from_values(values, stack="x", inspect=two_classes)


def faults(values: dict[str, Any], **model: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configured(values, **model)
    return [line.removeprefix("Pulumi.x.yaml: densenet-triton:") for line in caught.value.lines]


def fault(values: dict[str, Any], **model: Any) -> str:
    (line,) = faults(values, **model)
    return line


def file_of(folder: Path, data: bytes) -> str:
    path = folder / "file"
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    "data",
    [
        b"CUP\r\nMUG",
        b"CUP\rMUG\r",
        b"\xef\xbb\xbfCUP\nMUG\n",
        "CUP\r\nMUG\r\n".encode("utf-16"),
        "CUP\nMUG\n".encode("utf-32"),
    ],
    ids=["crlf", "cr", "utf-8 with its mark", "utf-16", "utf-32"],
)
def test_labels_are_read_as_every_editor_writes_them(dev_values: dict[str, Any], tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.onnx").touch()
    source = {"kind": "onnx", "url": f"file://{tmp_path}/m.onnx", "sha256": SHA256}
    expect = {"image": "smoke_tests/data/mug.png", "class": 1, "label": "MUG"}
    inputs = configured(dev_values, source=source, labels=file_of(tmp_path, data), expect=expect).inputs
    assert inputs.labels_text == "CUP\nMUG\n"
    assert inputs.pictures[0].expectation == contract.Expectation(class_index=1, label="MUG")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"CUP\n" * 999, "has 999 lines, and the model has 1000 scores"),
        (b"CUP\n\nMUG\n", "has an empty line 2"),
        (b"\xff\n", "is not UTF-8 text"),
        (b"", "has 0 bytes"),
    ],
)
def test_a_labels_file_that_does_not_fit(dev_values: dict[str, Any], tmp_path: Path, data: bytes, why: str) -> None:
    line = fault(dev_values, labels=file_of(tmp_path, data))
    assert line.startswith(f"model.labels is {tmp_path}/file, which ")
    assert why in line
    assert line.endswith("; mend: in Pulumi.x.yaml set model.labels: infra/data/imagenet_labels.txt")


def test_labels_that_leave_no_room_for_what_travels_with_them(dev_values: dict[str, Any], tmp_path: Path) -> None:
    labels = file_of(tmp_path, ("\u9999" * 500 + "\n").encode("utf-16") * 1000)
    assert "accepted: a file of 1 to 786432 bytes; mend" in fault(dev_values, labels=labels)
    wide = "\n".join(["\u9999" * 300] * 1000)
    assert "has more than 786432 bytes as UTF-8" in fault(
        dev_values, labels=file_of(tmp_path, wide.encode("utf-16")), expect={"image": MUG, "class": 4}
    )


def test_the_labels_of_a_file_at_hand_are_counted(dev_values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    source = {"kind": "onnx", "url": f"file://{tmp_path}/m.onnx", "sha256": SHA256}
    assert fault(dev_values, source=source) == (
        "model.labels is infra/data/imagenet_labels.txt, which has 1000 lines, and the model has 2 scores;"
        " accepted: one label a line for each score; mend: in Pulumi.x.yaml set model.labels: <2 labels>"
    )


def test_files_that_are_not_there_are_all_named(dev_values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(dev_values, labels="no/labels.txt", expect={"image": "no/mug.png", "class": 504})
    assert [" ".join(line.split()[1:4]) for line in caught.value.lines] == [
        "densenet-triton:model.labels is no/labels.txt:",
        "densenet-triton:model.expect.image is no/mug.png:",
    ]
    assert all("No such file or directory" in line for line in caught.value.lines)


def padded(path: Path, size: int) -> str:
    """A picture in a file of so many bytes."""
    Image.new("RGB", (4, 4), (size % 256, 0, 0)).save(path)
    path.write_bytes(path.read_bytes().ljust(size, b"\0"))
    return str(path)


@pytest.mark.parametrize("written", ["https://somebody:hunter2@example.org/m.png?sig=c2ln", "m\0.png"])
def test_a_path_is_no_url_and_whatever_one_carries_is_not_shown(dev_values: dict[str, Any], written: str) -> None:
    for line in (
        fault(copy.deepcopy(dev_values), labels=written),
        fault(copy.deepcopy(dev_values), expect={"image": written, "class": 504}),
        fault(copy.deepcopy(dev_values), expect={"image": MUG, "class": 504, "otherImage": written}),
    ):
        assert "; accepted: the path of a file on this disk; mend: in Pulumi.x.yaml set model." in line
        assert not any(secret in line for secret in ("somebody", "hunter2", "c2ln"))


def test_the_keys_of_a_further_picture_are_named(dev_values: dict[str, Any]) -> None:
    also = [{"image": "smoke_tests/data/cup.png", "class": 968, "otherImage": MUG}]
    assert fault(dev_values, expect={"image": MUG, "class": 504, "also": also}) == (
        f'model.expect.also.0.otherImage is not a key (it holds "{MUG}"); accepted: image, class, label, top, margin;'
        " mend: remove model.expect.also.0.otherImage from Pulumi.x.yaml"
    )


def test_a_label_that_a_line_cannot_show_is_left_out(dev_values: dict[str, Any], tmp_path: Path) -> None:
    labels = (REPOSITORY / "infra/data/imagenet_labels.txt").read_text().replace("COFFEE MUG", "COFFEE  MUG")
    path = file_of(tmp_path, labels.encode())
    expect = {"image": MUG, "class": 504, "label": "COFFEE MUG"}
    assert fault(dev_values, labels=path, expect=expect).endswith(
        "; mend: remove model.expect.label from Pulumi.x.yaml"
    )


def test_a_folder_is_no_picture(dev_values: dict[str, Any]) -> None:
    assert "model.expect.image is docs" in fault(dev_values, expect={"image": "docs", "class": 504})


def test_a_picture_by_url_is_the_builds_to_fetch(dev_values: dict[str, Any]) -> None:
    image = {"url": "https://example.org/a mug.jpg", "sha256": SHA256}
    (picture,) = configured(dev_values, expect={"image": image, "class": 504}).inputs.pictures
    assert (picture.sha256, picture.data, picture.url) == (SHA256, None, "https://example.org/a%20mug.jpg")


@pytest.mark.parametrize("size", [1000, MIB])
def test_pictures_of_a_megabyte_travel(dev_values: dict[str, Any], tmp_path: Path, size: int) -> None:
    path = padded(tmp_path / "mug.bmp", size)
    (picture,) = configured(dev_values, expect={"image": path, "class": 504}).inputs.pictures
    assert picture.data is not None
    assert len(picture.data) == size


@pytest.mark.parametrize("size", [0, MIB + 1])
def test_a_picture_that_does_not_fit_into_a_config_map(dev_values: dict[str, Any], tmp_path: Path, size: int) -> None:
    line = fault(dev_values, expect={"image": file_of(tmp_path, b"x" * size), "class": 504})
    assert f"which has {size} bytes; accepted: a file of 1 to 1048576 bytes, or url and sha256 of" in line
    assert line.endswith("; mend: in Pulumi.x.yaml set model.expect.image: smoke_tests/data/mug.png")


def test_pictures_that_do_not_fit_together(dev_values: dict[str, Any], tmp_path: Path) -> None:
    first, second, third = (padded(tmp_path / f"{size}.bmp", size) for size in (MIB - 2000, 2001, 1000))
    also = [{"image": second, "class": 504}, {"image": third, "class": 504}]
    assert fault(dev_values, expect={"image": first, "class": 504, "also": also}) == (
        f"model.expect.also.0.image is a file of 2001 bytes, with which the expected pictures have {MIB + 1};"
        f" accepted: {MIB} bytes altogether, or url and sha256 of pictures that are fetched;"
        " mend: remove model.expect.also.0 from Pulumi.x.yaml"
    )
    also = [{"image": padded(tmp_path / "second.bmp", 2000), "class": 504}]
    assert len(configured(dev_values, expect={"image": first, "class": 504, "also": also}).inputs.pictures) == 2


@pytest.mark.parametrize("name", ["mug.gif", "mug.webp", "mug.tiff", "mug.jpg", "palette.png", "grey.png"])
def test_a_picture_in_every_form_that_people_have(dev_values: dict[str, Any], tmp_path: Path, name: str) -> None:
    picture = Image.new("RGBA", (40, 30), (200, 30, 30, 100))
    mode = {"palette.png": "P", "grey.png": "LA", "mug.gif": "P", "mug.jpg": "L"}.get(name, "RGBA")
    transparency = {"transparency": b"\x00\x80"} if mode == "P" else {}
    picture.convert(mode).save(tmp_path / name, **transparency)
    expect = {"image": str(tmp_path / name), "class": 504}
    assert configured(dev_values, expect=expect).inputs.pictures[0].data == (tmp_path / name).read_bytes()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<svg/>", "is no picture that can be read (6 bytes)"),
        (b"\0\0\0\x18ftypheic", "is HEIC or AVIF"),
        (b"\x89PNG\r\n\x1a\n", "is no picture that can be read"),
    ],
)
@pytest.mark.parametrize("key", ["image", "otherImage"])
def test_a_picture_that_cannot_be_read(
    dev_values: dict[str, Any], tmp_path: Path, key: str, data: bytes, why: str
) -> None:
    path = file_of(tmp_path, data)
    line = fault(dev_values, expect={"image": MUG, "class": 504} | {key: path})
    assert line.startswith(f"model.expect.{key} is {path}, which {why}")
    assert "; accepted: a picture: PNG, JPEG, " in line


def test_the_class_must_have_a_label(dev_values: dict[str, Any]) -> None:
    line = fault(dev_values, expect={"image": MUG, "class": 1000, "label": "CUP"})
    assert line.startswith("model.expect.class is 1000; accepted: a class, 0 to 999, one for each line of infra/data")
    assert line.endswith("; mend: in Pulumi.x.yaml set model.expect.class: 968")


def test_the_label_must_be_the_classs(dev_values: dict[str, Any]) -> None:
    line = fault(dev_values, expect={"image": MUG, "class": 968, "label": "COFFEE MUG"})
    assert 'model.expect.label is "COFFEE MUG", and line 969 of infra/data/imagenet_labels.txt is another' in line
    assert line.endswith("; mend: in Pulumi.x.yaml set model.expect.label: CUP")


@pytest.mark.parametrize(
    ("top", "accepted", "mend"),
    [
        ([968, 504], "a list that begins with the expected class, 504", [504, 968]),
        ([504, 968, 504], "each class once", [504, 968]),
        ([504, 1000], "a class, 0 to 999", [504]),
        (list(range(1001)), "at most 1000 classes, as many as the model has", None),
    ],
)
def test_the_first_classes_begin_with_the_expected_one(
    dev_values: dict[str, Any], top: list[int], accepted: str, mend: list[int] | None
) -> None:
    line = fault(dev_values, expect={"image": MUG, "class": 504, "top": top})
    assert line.startswith("model.expect.top is [")
    assert f"; accepted: {accepted}; mend: in Pulumi.x.yaml set model.expect.top: [" in line
    mended = yaml.safe_load(line.rpartition("model.expect.top: ")[2])
    assert mend in (None, mended)
    expect = {"image": MUG, "class": 504, "top": mended}
    assert configured(dev_values, expect=expect).inputs.pictures[0].expectation.top == tuple(mended)


def test_every_further_picture_is_looked_at_likewise(dev_values: dict[str, Any]) -> None:
    also = [
        {"image": "smoke_tests/data/cup.png", "class": 968, "label": "MUG"},
        {"image": "no/such.png", "class": 1000},
        {"image": MUG, "class": 504},
        {"image": "smoke_tests/data/ball.png", "class": 722, "top": [1]},
    ]
    lines = faults(dev_values, expect={"image": MUG, "class": 504, "also": also})
    assert [line.partition(";")[0] for line in lines] == [
        "model.expect.also.1.image is no/such.png: No such file or directory",
        "model.expect.also.2.image is the same picture as model.expect.image",
        'model.expect.also.0.label is "MUG", and line 969 of infra/data/imagenet_labels.txt is another',
        "model.expect.also.1.class is 1000",
        "model.expect.also.3.top is [1]",
    ]


def test_every_expected_picture_is_told_with_its_own_answer(dev_values: dict[str, Any]) -> None:
    also = [{"image": "smoke_tests/data/cup.png", "class": 968, "top": [968, 504], "margin": 1}]
    pictures = configured(dev_values, expect={"image": MUG, "class": 504, "also": also}).inputs.pictures
    assert [picture.expectation for picture in pictures] == [
        contract.Expectation(class_index=504, label="COFFEE MUG"),
        contract.Expectation(class_index=968, label="CUP", top=(968, 504), margin=1.0),
    ]


def test_the_other_picture_is_another(dev_values: dict[str, Any]) -> None:
    assert fault(dev_values, expect={"image": MUG, "class": 504, "otherImage": MUG}) == (
        "model.expect.otherImage is the same picture as model.expect.image; accepted: a picture of something else;"
        " mend: remove model.expect.otherImage from Pulumi.x.yaml"
    )


def test_the_photo_of_the_quick_start_travels(dev_values: dict[str, Any]) -> None:
    photo = REPOSITORY.parent / "shared" / "models" / "mug.jpg"
    if not photo.is_file():
        pytest.skip("../shared is not here")
    expect = {"image": "../shared/models/mug.jpg", "class": 504}
    assert configured(dev_values, expect=expect).inputs.pictures[0].data == photo.read_bytes()
