"""The command line's options, read and compared with each other before anything is asked."""

import argparse
import hashlib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from smoke_tests.contract import IMAGENET_CLASSES, QUICK_START, Expectation
from smoke_tests.endpoint import ACCEPTED, Endpoint
from smoke_tests.errors import OptionError, PictureError
from smoke_tests.manifest import Manifest
from smoke_tests.preprocessing import Tensor, imagenet, inception, picture_from_bytes

PICTURES = Path(__file__).parent / "data"
MODEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture to ask about.

    Attributes:
        name: its path, as a person would type it.
        imagenet: float32 (3, 224, 224), as the quick start's Python client prepares it.
        inception: float32 (3, 224, 224), as ``image_client -s INCEPTION`` prepares it.
        sha256: of the file.
    """

    name: str
    imagenet: Tensor = field(repr=False)
    inception: Tensor = field(repr=False)
    sha256: str

    @classmethod
    def from_file(cls, path: Path, *, option: str) -> Self:
        """Read a picture.

        Raises:
            OptionError: names the option and the file.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise OptionError(f"{option} {path}: {error.strerror}; a PNG or JPEG file is accepted") from None
        try:
            picture = picture_from_bytes(data)
        except PictureError as error:
            raise OptionError(f"{option} {path}: {error}; a PNG or JPEG file is accepted") from None
        return cls(
            name=str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path),
            imagenet=imagenet(picture),
            inception=inception(picture),
            sha256=hashlib.sha256(data).hexdigest(),
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is to be proven, and of whom."""

    url: Endpoint
    replicas: tuple[Endpoint, ...]
    model: str
    manifest: Manifest | None
    expectation: Expectation
    image: Picture
    other_image: Picture
    max_body_bytes: int | None
    routed: bool
    timeout_s: float

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Self:
        """Read pytest's options.

        Raises:
            OptionError: one that is missing, unreadable, or contradicts another.
        """
        if options.url is None:
            raise OptionError(f"--url is missing; {ACCEPTED}")
        if not MODEL_NAME.fullmatch(options.model):
            raise OptionError(f"--model {options.model!r} is no name of a model; accepted is {MODEL_NAME.pattern}")
        if not 0 < options.request_timeout_s < math.inf:
            raise OptionError(f"--request-timeout-s {options.request_timeout_s:g}; accepted is a number above 0")
        if options.max_body_bytes is not None and options.max_body_bytes <= 0:
            raise OptionError(f"--max-body-bytes {options.max_body_bytes}; accepted is a number above 0")
        image = Picture.from_file(options.image, option="--image")
        manifest = manifest_from_file(options.manifest, options.model, image) if options.manifest else None
        return cls(
            url=Endpoint.from_url(options.url),
            replicas=tuple(map(Endpoint.from_url, options.replica_url)),
            model=options.model,
            manifest=manifest,
            expectation=_expectation(options, manifest),
            image=image,
            other_image=Picture.from_file(options.other_image, option="--other-image"),
            max_body_bytes=options.max_body_bytes,
            routed=options.routed,
            timeout_s=options.request_timeout_s,
        )

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Everyone who must answer rightly: the URL and each replica by itself."""
        return (self.url, *self.replicas)

    @property
    def classes(self) -> int:
        """The length of one image's scores."""
        return self.manifest.classes if self.manifest else IMAGENET_CLASSES


def manifest_from_file(path: Path, model: str, image: Picture) -> Manifest:
    """Read the manifest of the model that is to be tested, whose golden scores are those of the image.

    Raises:
        OptionError: names the file and what does not fit.
    """
    accepted = "the model repository's manifest.json is accepted"
    try:
        manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"--manifest {path}: {error.strerror}; {accepted}") from None
    except UnicodeDecodeError:
        raise OptionError(f"--manifest {path}: not UTF-8; {accepted}") from None
    except OptionError as error:
        raise OptionError(f"--manifest {path}: {error}") from None
    if manifest.model != model:
        raise OptionError(f"--manifest {path} is of the model {manifest.model!r}, not of --model {model!r}")
    if manifest.golden.image_sha256 != image.sha256:
        raise OptionError(
            f"--manifest {path}: its golden scores are of the image with SHA-256 {manifest.golden.image_sha256}, "
            f"not of {image.name} ({image.sha256}); name that image with --image"
        )
    return manifest


def _expectation(options: argparse.Namespace, manifest: Manifest | None) -> Expectation:
    """Return what the options expect, completed by the manifest's expectation or the quick start's."""
    default = manifest.golden.expectation if manifest else QUICK_START
    class_index = default.class_index if options.expect_class is None else options.expect_class
    inherited = default.label if class_index == default.class_index else None
    expected = Expectation(class_index=class_index, label=options.expect_label or inherited)
    if manifest and expected != default:
        raise OptionError(
            f"--expect-class and --expect-label say {class_index} {expected.label!r}, --manifest says "
            f"{default.class_index} {default.label!r}; leave the options out or name the other manifest"
        )
    return expected
