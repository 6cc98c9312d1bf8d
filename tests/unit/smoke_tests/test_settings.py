import argparse
import hashlib
from pathlib import Path

import pytest

from contract.comparison import LOGITS
from contract.expectation import Expectation
from contract.manifest import Golden, GoldenPicture, json_from_manifest
from smoke_tests.errors import OptionError
from smoke_tests.settings import QUICK_START, Settings
from tests.unit.smoke_tests.faults import TOLERANCE
from tests.unit.smoke_tests.manifests import manifest_of

CUP = Expectation(class_index=2, label="CUP", top=(2, 0), margin=0.5)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of the mug, called a cup here, and of the cup, called the first class."""
    expected = {"mug.png": CUP, "cup.png": Expectation(class_index=0, label="A")}
    pictures = tuple(
        GoldenPicture(
            sha256=hashlib.sha256((tmp_path / name).read_bytes()).hexdigest(),
            input_file="golden_input_0.bin",
            expectation=expectation,
            scores=(1.0, 0.5, float(len(name))) if name == "mug.png" else None,
        )
        for name, expectation in expected.items()
    )
    made = manifest_of(max_batch_size=4, golden=Golden(scale=LOGITS, tolerance=TOLERANCE, pictures=pictures))
    path = tmp_path / "manifest.json"
    path.write_text(json_from_manifest(made))
    return path


def test_quick_start_is_expected_by_default(options: argparse.Namespace) -> None:
    settings = Settings.from_options(options)
    assert (settings.expectations, settings.promised) == ((QUICK_START,), None)
    assert (settings.preprocessing, settings.inception, settings.other_image) == ("imagenet", False, None)
    assert [str(endpoint) for endpoint in settings.endpoints] == ["http://127.0.0.1:8000"]


def test_replicas_are_asked_after_the_url(options: argparse.Namespace) -> None:
    options.replica_url = ["10.0.0.1:8080", "http://10.0.0.2:8080"]
    endpoints = Settings.from_options(options).endpoints
    assert [endpoint.host for endpoint in endpoints] == ["127.0.0.1", "10.0.0.1", "10.0.0.2"]


def test_another_class_has_no_label_unless_one_is_given(options: argparse.Namespace) -> None:
    options.expect_class = 968
    assert Settings.from_options(options).expectations == (Expectation(class_index=968, label=None),)
    options.expect_label, options.expect_top, options.expect_margin = "CUP", "968, 504", 0.25
    assert Settings.from_options(options).expectations == (Expectation(968, "CUP", (968, 504), 0.25),)


def test_manifest_says_what_is_expected_of_each_picture(options: argparse.Namespace, manifest: Path) -> None:
    options.manifest = manifest
    options.image.append(str(manifest.with_name("cup.png")))
    settings = Settings.from_options(options)
    assert settings.expectations == (CUP, Expectation(class_index=0, label="A"))
    assert [settings.golden_scores(picture) for picture in settings.images] == [(1.0, 0.5, 7.0), None]
    promised = settings.promised
    assert promised is not None
    assert (promised.classes, promised.max_batch_size, promised.shape) == (3, 4, (3, 224, 224))
    assert (promised.scale, promised.tolerance) == (LOGITS, TOLERANCE)
    options.expect_class, options.expect_label, options.expect_top, options.expect_margin = 2, "CUP", "2,0", 0.5
    options.preprocessing = "imagenet"
    assert Settings.from_options(options).expectations == settings.expectations


@pytest.mark.parametrize(
    ("option", "value"),
    [("expect_class", 504), ("expect_label", "COFFEE MUG"), ("expect_top", "2,1"), ("expect_margin", 0.25)],
)
def test_manifest_that_expects_something_else_is_refused(
    option: str, value: object, options: argparse.Namespace, manifest: Path
) -> None:
    options.manifest = manifest
    setattr(options, option, value)
    with pytest.raises(OptionError, match=r"--manifest says 2 'CUP', top 2,0, margin 0\.5; accepted: the same"):
        Settings.from_options(options)


def test_preprocessing_that_the_manifest_does_not_have_is_refused(options: argparse.Namespace, manifest: Path) -> None:
    options.manifest, options.preprocessing = manifest, "inception"
    with pytest.raises(OptionError, match=r"^--preprocessing says .+, --manifest says .+; accepted: the same; leave"):
        Settings.from_options(options)


def test_manifest_of_another_model_is_refused(options: argparse.Namespace, manifest: Path) -> None:
    options.manifest, options.model = manifest, "resnet50"
    with pytest.raises(OptionError, match="is of the model 'densenet_tensorrt', not of --model 'resnet50'"):
        Settings.from_options(options)


@pytest.mark.parametrize("position", [0, 1])
def test_picture_that_the_manifest_does_not_have_is_refused(
    position: int, options: argparse.Namespace, manifest: Path
) -> None:
    options.manifest = manifest
    options.image.insert(position, str(manifest.with_name("ball.png")))
    with pytest.raises(OptionError, match=r"^--manifest has no golden scores of .+ball.png, .+ name one of those with"):
        Settings.from_options(options)


def test_further_picture_without_a_manifest_is_refused(options: argparse.Namespace) -> None:
    options.image *= 2
    with pytest.raises(OptionError, match=r"^--image .+ is the second, and nothing says what it must be called; acc"):
        Settings.from_options(options)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("url", None, "--url is missing; accepted is"),
        ("url", "ftp://host", "'ftp://host' is no URL of a server; accepted is"),
        ("replica_url", ["http://"], "'http://' is no URL of a server; accepted is"),
        ("model", "../etc", "--model '../etc' is no name of a model; accepted: "),
        ("model", "", "--model '' is no name of a model; accepted: "),
        ("max_body_bytes", 0, "--max-body-bytes 0; accepted: "),
        ("request_timeout_s", 0, "--request-timeout-s 0; accepted: "),
        ("request_timeout_s", float("nan"), "--request-timeout-s nan; accepted: "),
        ("request_timeout_s", float("inf"), "--request-timeout-s inf; accepted: "),
        ("expect_class", -1, "--expect-class -1; accepted: a class, 0 or more"),
        ("expect_margin", -1.0, "--expect-margin -1; accepted: a number, 0 or more"),
        ("expect_margin", float("nan"), "--expect-margin nan; accepted: "),
        ("expect_top", "504,mug", "--expect-top '504,mug'; accepted: classes, the best first, such as"),
        ("expect_top", "", "--expect-top ''; accepted: "),
        ("expect_top", "968,504", "--expect-top is [968, 504]; accepted: a list that begins with the expected class"),
        ("expect_top", "504,504", "--expect-top is [504, 504]; accepted: each class once"),
        ("preprocessing", "vgg", "--preprocessing is 'vgg'; accepted: imagenet, inception, caffe, or an object with"),
        ("preprocessing", "{", "--preprocessing is not JSON: "),
        ("manifest", Path("/no/such.json"), "--manifest /no/such.json: No such file or directory;"),
        ("image", ["/no/such.png"], "--image /no/such.png: No such file or directory; accepted: a file, or https://"),
        ("other_image", __file__, "is no picture that can be read"),
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
    with pytest.raises(OptionError, match=f"^--manifest {manifest}: .+ accepted: "):
        Settings.from_options(options)


def test_picture_is_named_from_where_the_user_stands(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(options.image[0])
    monkeypatch.chdir(path.parent)
    assert Settings.from_options(options).images[0].name == "mug.png"
    monkeypatch.chdir("/")
    assert Settings.from_options(options).images[0].name == str(path.relative_to("/"))
