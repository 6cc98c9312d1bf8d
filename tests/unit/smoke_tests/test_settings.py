import argparse
import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from smoke_tests.contract import QUICK_START, Expectation
from smoke_tests.errors import OptionError
from smoke_tests.settings import Settings


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    """Options as pytest leaves them where only the URL and the pictures are given."""
    for name, colour in (("mug.png", "blue"), ("ball.png", "red")):
        Image.new("RGB", (256, 256), colour).save(tmp_path / name)
    return argparse.Namespace(
        url="127.0.0.1:8000",
        replica_url=[],
        model="densenet_tensorrt",
        manifest=None,
        image=tmp_path / "mug.png",
        other_image=tmp_path / "ball.png",
        expect_class=None,
        expect_label=None,
        max_body_bytes=None,
        routed=False,
        request_timeout_s=30,
    )


@pytest.fixture
def manifest(tmp_path: Path, options: argparse.Namespace) -> Path:
    document = {
        "schema": 1,
        "planId": "0123456789abcdef",
        "model": "densenet_tensorrt",
        "maxBatchSize": 4,
        "source": {"kind": "onnx"},
        "input": {"name": "input", "datatype": "FP32", "shape": [3, 224, 224]},
        "output": {"name": "output", "datatype": "FP32", "shape": [3]},
        "files": {},
        "golden": {
            "imageSha256": hashlib.sha256(options.image.read_bytes()).hexdigest(),
            "preprocessing": "imagenet",
            "class": 2,
            "label": "CUP",
            "tolerance": 0.01,
            "scores": None,
        },
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    return path


def test_quick_start_is_expected_by_default(options: argparse.Namespace) -> None:
    settings = Settings.from_options(options)
    assert (settings.expectation, settings.classes) == (QUICK_START, 1000)
    assert [str(endpoint) for endpoint in settings.endpoints] == ["http://127.0.0.1:8000"]


def test_replicas_are_asked_after_the_url(options: argparse.Namespace) -> None:
    options.replica_url = ["10.0.0.1:8080", "http://10.0.0.2:8080"]
    endpoints = Settings.from_options(options).endpoints
    assert [endpoint.host for endpoint in endpoints] == ["127.0.0.1", "10.0.0.1", "10.0.0.2"]


def test_another_class_has_no_label_unless_one_is_given(options: argparse.Namespace) -> None:
    options.expect_class = 968
    assert Settings.from_options(options).expectation == Expectation(class_index=968, label=None)
    options.expect_label = "CUP"
    assert Settings.from_options(options).expectation == Expectation(class_index=968, label="CUP")


def test_manifest_says_what_is_expected(options: argparse.Namespace, manifest: Path) -> None:
    options.manifest = manifest
    settings = Settings.from_options(options)
    assert settings.expectation == Expectation(class_index=2, label="CUP")
    assert settings.classes == 3
    options.expect_class, options.expect_label = 2, "CUP"
    assert Settings.from_options(options).expectation == settings.expectation


@pytest.mark.parametrize(("option", "value"), [("expect_class", 504), ("expect_label", "COFFEE MUG")])
def test_manifest_that_expects_something_else_is_refused(
    option: str, value: object, options: argparse.Namespace, manifest: Path
) -> None:
    options.manifest = manifest
    setattr(options, option, value)
    with pytest.raises(OptionError, match="--manifest says 2 'CUP'"):
        Settings.from_options(options)


def test_manifest_of_another_model_is_refused(options: argparse.Namespace, manifest: Path) -> None:
    options.manifest, options.model = manifest, "resnet50"
    with pytest.raises(OptionError, match="is of the model 'densenet_tensorrt', not of --model 'resnet50'"):
        Settings.from_options(options)


def test_manifest_of_another_image_is_refused(options: argparse.Namespace, manifest: Path) -> None:
    options.manifest, options.image = manifest, options.other_image
    with pytest.raises(OptionError, match=r"golden scores are of the image with SHA-256 .+ name that image with"):
        Settings.from_options(options)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("url", None, "--url is missing; accepted is"),
        ("url", "ftp://host", "'ftp://host' is no URL of a server; accepted is"),
        ("replica_url", ["http://"], "'http://' is no URL of a server; accepted is"),
        ("model", "../etc", "--model '../etc' is no name of a model; accepted is"),
        ("model", "", "--model '' is no name of a model; accepted is"),
        ("max_body_bytes", 0, "--max-body-bytes 0; accepted is"),
        ("request_timeout_s", 0, "--request-timeout-s 0; accepted is"),
        ("request_timeout_s", float("nan"), "--request-timeout-s nan; accepted is"),
        ("request_timeout_s", float("inf"), "--request-timeout-s inf; accepted is"),
        ("manifest", Path("/no/such.json"), "--manifest /no/such.json: No such file or directory;"),
        ("image", Path("/no/such.png"), "--image /no/such.png: No such file or directory; a PNG or JPEG"),
        ("other_image", Path(__file__), "neither PNG nor JPEG; a PNG or JPEG file is accepted"),
    ],
)
def test_option_that_can_not_be_used_is_named(
    option: str, value: object, said: str, options: argparse.Namespace
) -> None:
    setattr(options, option, value)
    with pytest.raises(OptionError) as refusal:
        Settings.from_options(options)
    assert said in str(refusal.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{}", b"{"])
def test_manifest_that_can_not_be_read_is_named(content: bytes, options: argparse.Namespace, manifest: Path) -> None:
    manifest.write_bytes(content)
    options.manifest = manifest
    with pytest.raises(OptionError, match=f"^--manifest {manifest}: .+ accepted"):
        Settings.from_options(options)


def test_picture_is_named_from_where_the_user_stands(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(options.image.parent)
    assert Settings.from_options(options).image.name == "mug.png"
    monkeypatch.chdir("/")
    assert Settings.from_options(options).image.name == str(options.image.relative_to("/"))
