"""The command line's options, read and compared with each other before anything is asked."""

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contract.errors import ManifestError, PreprocessingError
from contract.expectation import Expectation
from contract.manifest import GoldenPicture, Manifest, manifest_from_json
from contract.preprocessing import ACCEPTED as ACCEPTED_PREPROCESSING
from contract.preprocessing import NAMED, preprocessing_from_value
from smoke_tests.access import Access
from smoke_tests.endpoint import ACCEPTED, Endpoint
from smoke_tests.errors import OptionError
from smoke_tests.model import Model, model_from_manifest
from smoke_tests.pictures import PICTURES, Picture

QUICK_START = Expectation(class_index=504, label="COFFEE MUG")
DEFAULT_IMAGE = str(PICTURES / "mug.png")
DEFAULT_PREPROCESSING = "imagenet"
MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is to be proven, and of whom.

    Attributes:
        model: its name.
        images: the expected pictures, one or more; the first is the one that is shown.
        expectations: what each of them must be called.
        other_image: must not be called as the first, if there is one.
        preprocessing: a name or an object, that a model without a manifest is asked in.
        timeout_s: patience with each answer.
        await_s: patience with a URL that is not reached yet.
        json_bodies: whether a route gives whole requests in JSON.
        inception: whether the quick start's second preprocessing must give the first one's class too.
    """

    url: Endpoint
    replicas: tuple[Endpoint, ...]
    model: str
    manifest: Manifest | None
    images: tuple[Picture, ...]
    expectations: tuple[Expectation, ...]
    other_image: Picture | None
    preprocessing: object
    inception: bool
    max_body_bytes: int | None
    routed: bool
    json_bodies: bool
    timeout_s: float
    await_s: float

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Self:
        """Read pytest's options.

        Raises:
            OptionError: one that is missing, unreadable, or contradicts another.
        """
        _refuse_unusable(options)
        manifest = manifest_from_file(options.manifest, options.model) if options.manifest else None
        texts = options.image or [DEFAULT_IMAGE]
        images = tuple(Picture.from_option(text, option="--image") for text in texts)
        other = options.other_image
        return cls(
            url=_url(options),
            replicas=tuple(map(Endpoint.from_url, options.replica_url)),
            model=options.model,
            manifest=manifest,
            images=images,
            expectations=_expectations(options, manifest, images),
            other_image=None if other is None else Picture.from_option(other, option="--other-image"),
            preprocessing=_preprocessing(options.preprocessing, manifest),
            inception=options.inception,
            max_body_bytes=options.max_body_bytes,
            routed=options.routed,
            json_bodies=options.json_bodies,
            timeout_s=options.request_timeout_s,
            await_s=options.await_s,
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Everyone who must answer rightly: the URL and each replica by itself."""
        return (self.url, *self.replicas)

    @property
    def promised(self) -> Model | None:
        """What the manifest promises of the model; None where there is none."""
        return model_from_manifest(self.manifest) if self.manifest else None

    def golden_scores(self, picture: Picture) -> tuple[float, ...] | None:
        """What the manifest's reference scored for a picture, if that is known."""
        return _golden(self.manifest, picture).scores if self.manifest else None


def manifest_from_file(path: Path, model: str) -> Manifest:
    """Read the manifest of the model that is to be tested.

    Raises:
        OptionError: names the file and what does not fit.
    """
    accepted = "accepted: the model repository's manifest.json"
    try:
        manifest = manifest_from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"--manifest {path}: {error.strerror}; {accepted}") from None
    except UnicodeDecodeError:
        raise OptionError(f"--manifest {path}: not UTF-8; {accepted}") from None
    except ManifestError as error:
        raise OptionError(f"--manifest {path}: {error}") from None
    if manifest.model != model:
        raise OptionError(
            f"--manifest {path} is of the model {manifest.model!r}, not of --model {model!r}; accepted: the same model"
        )
    return manifest


def require_expectation(expectation: Expectation, classes: int) -> None:
    """See that what is expected of the first picture fits a model of so many classes.

    Raises:
        OptionError: names the option.
    """
    for key, value, accepted in expectation.faults(classes):
        raise OptionError(f"--expect-{key} is {value}; accepted: {accepted}")


def _refuse_unusable(options: argparse.Namespace) -> None:
    """Refuse what can't be used whatever else is said."""
    if options.url is None:
        raise OptionError(f"--url is missing; {ACCEPTED}")
    if not MODEL_NAME.fullmatch(options.model):
        raise OptionError(f"--model {options.model!r} is no name of a model; accepted: {MODEL_NAME.pattern}")
    if not 0 < options.request_timeout_s < math.inf:
        raise OptionError(f"--request-timeout-s {options.request_timeout_s:g}; accepted: a number above 0")
    if not 0 <= options.await_s < math.inf:
        raise OptionError(f"--await-s {options.await_s:g}; accepted: a number, 0 or more")
    if options.max_body_bytes is not None and options.max_body_bytes <= 0:
        raise OptionError(f"--max-body-bytes {options.max_body_bytes}; accepted: a number above 0")
    if options.expect_class is not None and options.expect_class < 0:
        raise OptionError(f"--expect-class {options.expect_class}; accepted: a class, 0 or more")
    if options.expect_margin is not None and not 0 <= options.expect_margin < math.inf:
        raise OptionError(f"--expect-margin {options.expect_margin:g}; accepted: a number, 0 or more")


def _url(options: argparse.Namespace) -> Endpoint:
    """Read the URL, and what is brought to its door."""
    url = Endpoint.from_url(options.url, Access.from_options(options.ca, options.client, os.environ))
    if options.ca is not None and url.scheme != "https":
        raise OptionError(f"--ca {options.ca} with --url {url}, which has no certificate; accepted: an https:// URL")
    return url


def _expectations(
    options: argparse.Namespace, manifest: Manifest | None, images: Sequence[Picture]
) -> tuple[Expectation, ...]:
    """Return what each picture must be called: the first as the options say, each further one as the manifest does."""
    if manifest is None:
        if len(images) > 1:
            raise OptionError(
                f"--image {images[1].name} is the second, and nothing says what it must be called; accepted: one "
                "--image, or more with --manifest, whose golden pictures they are"
            )
        expected = _said(options, QUICK_START)
        require_expectation(expected, sys.maxsize)  # how many classes there are is known when the server is asked
        return (expected,)
    promised = tuple(_golden(manifest, image).expectation for image in images)
    expected = _said(options, promised[0])
    if expected != promised[0]:
        raise OptionError(
            f"the --expect options say {_shown(expected)}, --manifest says {_shown(promised[0])}; accepted: the same; "
            "leave the options out or name the other manifest"
        )
    return promised


def _said(options: argparse.Namespace, default: Expectation) -> Expectation:
    """Return what the options expect; of the default's class, all that they don't say is the default's."""
    class_index = default.class_index if options.expect_class is None else options.expect_class
    inherited = default if class_index == default.class_index else Expectation(class_index)
    top, margin = options.expect_top, options.expect_margin
    return Expectation(
        class_index=class_index,
        label=options.expect_label or inherited.label,
        top=inherited.top if top is None else _classes(top),
        margin=inherited.margin if margin is None else margin,
    )


def _classes(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise OptionError(f"--expect-top {text!r}; accepted: classes, the best first, such as 504,968,505")
    return tuple(map(int, parts))


def _shown(expectation: Expectation) -> str:
    said = f"{expectation.class_index} {expectation.label!r}"
    if expectation.top:
        said += f", top {','.join(map(str, expectation.top))}"
    return f"{said}, margin {expectation.margin:g}" if expectation.margin else said


def _golden(manifest: Manifest, image: Picture) -> GoldenPicture:
    """Return the manifest's record of a picture."""
    golden = {picture.sha256: picture for picture in manifest.golden.pictures}
    if image.sha256 not in golden:
        raise OptionError(
            f"--manifest has no golden scores of {image.name}, whose SHA-256 is {image.sha256}; accepted: the pictures "
            f"with {', '.join(golden)}; name one of those with --image"
        )
    return golden[image.sha256]


def _preprocessing(text: str | None, manifest: Manifest | None) -> object:
    """Read the preprocessing, which a manifest has said already."""
    if text is None:
        return DEFAULT_PREPROCESSING
    try:
        value: object = json.loads(text) if text.lstrip().startswith("{") else text
    except ValueError as error:
        raise OptionError(f"--preprocessing is not JSON: {error}; accepted: {ACCEPTED_PREPROCESSING}") from None
    if isinstance(value, str) and value not in NAMED:
        raise OptionError(f"--preprocessing is {value!r}; accepted: {ACCEPTED_PREPROCESSING}")
    if manifest is None:
        return value
    try:
        found = preprocessing_from_value(value, manifest.shape)
    except PreprocessingError as error:
        raise OptionError(f"--{error}") from None
    if found != manifest.preprocessing:
        raise OptionError(
            f"--preprocessing says {json.dumps(found.document())}, --manifest says "
            f"{json.dumps(manifest.preprocessing.document())}; accepted: the same; leave the option out"
        )
    return value
