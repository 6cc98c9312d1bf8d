"""The build's specification: spec.json as frozen dataclasses, every fault reported at once."""

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from contract.errors import UrlError
from contract.expectation import Expectation, expectation_from_fields
from contract.fields import Fields, shown
from contract.packages import PACKAGES
from contract.urls import ACCEPTED, quoted_url, shown_url
from model_build.adapt.interface import ImageSize
from model_build.errors import InputsError
from model_build.tensorrt.device import BatchProfile

PLAN_ID: Final = re.compile(r"[0-9a-f]{16}")
STACK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_ID_ACCEPTED: Final = "16 lower-case hex digits"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MODEL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_WORD: Final = re.compile(r"[a-z0-9]+")
_GPU_PRODUCT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """A classifier whose weights come with the build's packages, by its name in `contract.packages`."""

    name: str
    kind: Literal["package"] = "package"


@dataclass(frozen=True, kw_only=True)
class OnnxSource:
    """An ONNX classifier at a URL, pinned by the SHA-256 of its bytes.

    Attributes:
        alias: what is shown of a URL that is secret.
        output: of several outputs the one that is served.
        image_size: height and width of a model that leaves its own open.
    """

    url: str
    sha256: str
    alias: str | None = None
    output: str | None = None
    image_size: ImageSize | None = None
    kind: Literal["onnx"] = "onnx"

    @property
    def shown(self) -> str:
        """The URL, without what may be secret."""
        return self.alias or shown_url(self.url)


@dataclass(frozen=True, kw_only=True)
class PrebuiltSource:
    """A Triton model repository that is already on the storage, pinned by its tree digest."""

    path: PurePosixPath
    sha256: str
    kind: Literal["prebuilt"] = "prebuilt"


Source = PackageSource | OnnxSource | PrebuiltSource


@dataclass(frozen=True, kw_only=True)
class PictureSpec:
    """A picture, and what it must be called; never taken from the model under test.

    Attributes:
        sha256: of the picture's file.
        url: where it is; None where it comes with the inputs.
    """

    sha256: str
    url: str | None
    expectation: Expectation

    @property
    def shown(self) -> str:
        """The URL, without what may be secret; the digest where there is none."""
        return shown_url(self.url) if self.url else self.sha256


@dataclass(frozen=True, kw_only=True)
class TensorRTSpec:
    """What a TensorRT plan is compiled for.

    Attributes:
        gpu_product: as GPU feature discovery labels a node, "NVIDIA-H800".
        profile: the batches that the plan takes.
        workspace_mib: the builder's scratch limit on the GPU.
        instances: of the plan, that Triton runs at once on each GPU.
    """

    gpu_product: str
    profile: BatchProfile
    workspace_mib: int
    instances: int


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One plan to build.

    Attributes:
        stack: that names the plan, unlike any other on the storage; nothing of the plan depends on it.
        plan_id: 16 lower-case hex digits, the plan's content address.
        engine_id: the address of what is compiled for it; None where nothing is.
        max_batch_size: 0 serves one image without a batch dimension; N > 0 serves batches up to N.
        preprocessing: as the stack declares it, a name or an object; None leaves it to the model.
        expect: one or more.
        pinned: the plan must be published already; nothing is built.
        tensorrt: for target tensorrt, and for no other.
    """

    stack: str
    plan_id: str
    engine_id: str | None
    model: str
    max_batch_size: int
    target: str
    precision: str
    source: Source
    preprocessing: Any
    expect: tuple[PictureSpec, ...]
    pinned: bool
    tensorrt: TensorRTSpec | None


def spec_from_json(text: str | bytes, *, name: str = "spec.json", source_url: str | None = None) -> Spec:
    """Parse a build specification strictly: unknown keys and wrong types are refused, all at once.

    Args:
        text: a JSON object.
        name: of its file.
        source_url: where the source is fetched from, which is no part of the text: it may be secret.

    Raises:
        InputsError: names every fault with its key, the value found and what is accepted.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputsError(f"{name} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputsError(f"{name} holds {shown(document)}; accepted: one JSON object")
    fields = Fields(document)
    spec = _spec_from_fields(fields, source_url)
    if fields.faults:
        raise InputsError(f"{name}: " + "; ".join(fields.faults))
    return spec


def _spec_from_fields(fields: Fields, source_url: str | None) -> Spec:
    spec = Spec(
        stack=fields.text("stack", accepts=STACK.fullmatch, accepted="letters, digits, '_', '.', '-', at most 200"),
        plan_id=fields.text("planId", accepts=PLAN_ID.fullmatch, accepted=_ID_ACCEPTED),
        engine_id=fields.optional_text("engineId", accepts=PLAN_ID.fullmatch, accepted=_ID_ACCEPTED),
        model=fields.text(
            "model", accepts=_MODEL_NAME.fullmatch, accepted="letters, digits, '_', '.', '-', at most 128"
        ),
        max_batch_size=fields.count("maxBatchSize"),
        target=fields.text("target", accepts=_WORD.fullmatch, accepted="a target's name, e.g. onnxruntime"),
        precision=fields.text("precision", accepts=_WORD.fullmatch, accepted="a precision, e.g. fp32"),
        source=_source_from_fields(fields.group("source"), source_url),
        preprocessing=fields.raw("preprocessing"),
        expect=tuple(_picture_from_fields(picture) for picture in fields.groups("expect")),
        pinned=fields.flag("pinned"),
        tensorrt=_tensorrt_from_fields(fields),
    )
    fields.end()
    if not fields.faults:
        _refuse_contradictions(spec, fields)
    return spec


def _tensorrt_from_fields(fields: Fields) -> TensorRTSpec | None:
    group = fields.optional_group("tensorrt")
    if group is None:
        return None
    tensorrt = TensorRTSpec(
        gpu_product=group.text(
            "gpuProduct", accepts=_GPU_PRODUCT.fullmatch, accepted="the node label nvidia.com/gpu.product, NVIDIA-H800"
        ),
        profile=_profile_from_fields(group.group("batchProfile")),
        workspace_mib=group.count("workspaceMib"),
        instances=group.count("instances"),
    )
    group.end()
    return tensorrt


def _profile_from_fields(fields: Fields) -> BatchProfile:
    profile = BatchProfile(typical=fields.count("typical"), largest=fields.count("largest"))
    fields.end()
    return profile


def _refuse_contradictions(spec: Spec, fields: Fields) -> None:
    """Note what is right by itself and wrong together."""
    if (spec.target == "tensorrt") != (spec.tensorrt is not None):
        fields.refuse(
            "tensorrt", None if spec.tensorrt is None else {}, "an object for target tensorrt, null for any other"
        )
    if spec.tensorrt is None:
        return
    profile = spec.tensorrt.profile
    if not profile.smallest <= profile.typical <= profile.largest:
        sizes = {"typical": profile.typical, "largest": profile.largest}
        fields.refuse("tensorrt.batchProfile", sizes, "1 ≤ typical ≤ largest")
    elif spec.max_batch_size > profile.largest:
        accepted = f"at most tensorrt.batchProfile.largest, {profile.largest}"
        fields.refuse("maxBatchSize", spec.max_batch_size, accepted)
    for key, count in (("workspaceMib", spec.tensorrt.workspace_mib), ("instances", spec.tensorrt.instances)):
        if count < 1:
            fields.refuse(f"tensorrt.{key}", count, "1 or more")


def _picture_from_fields(fields: Fields) -> PictureSpec:
    picture = PictureSpec(
        sha256=_sha256(fields),
        url=None if fields.is_null("url") else _url(fields),
        expectation=expectation_from_fields(fields),
    )
    fields.end()
    return picture


def _source_from_fields(fields: Fields, url: str | None) -> Source:
    kinds = ("package", "onnx", "prebuilt")
    kind = fields.text("kind", accepts=kinds.__contains__, accepted=", ".join(kinds))
    source: Source
    if kind == "onnx":
        source = OnnxSource(
            url=_checked_url(fields, url or "", secret=True),
            sha256=_sha256(fields),
            alias=fields.optional_text("alias"),
            output=fields.optional_text("output"),
            image_size=None if fields.is_null("imageSize") else _image_size(fields),
        )
    elif kind == "prebuilt":
        path = fields.text("path", accepts=_stays_inside, accepted="a folder relative to the storage")
        source = PrebuiltSource(path=PurePosixPath(path), sha256=_sha256(fields))
    else:
        source = PackageSource(name=fields.text("name", accepts=PACKAGES.__contains__, accepted=", ".join(PACKAGES)))
    if kind in kinds:
        fields.end()
    return source


def _image_size(fields: Fields) -> ImageSize | None:
    sizes = fields.counts("imageSize")
    if len(sizes) == 2 and all(sizes):  # noqa: PLR2004  height and width
        return sizes[0], sizes[1]
    fields.refuse("imageSize", list(sizes), "[height, width]")
    return None


def _url(fields: Fields) -> str:
    return _checked_url(fields, url) if (url := fields.text("url")) else url


def _checked_url(fields: Fields, url: str, *, secret: bool = False) -> str:
    try:
        if quoted_url(url, secret=secret) != url:
            fields.refuse("url", shown_url(url), f"{ACCEPTED}, percent-encoded")
    except UrlError as error:
        fields.refuse("url", shown_url(url), str(error).partition("; accepted: ")[2] or ACCEPTED)
    return url


def _sha256(fields: Fields) -> str:
    return fields.text("sha256", accepts=_SHA256.fullmatch, accepted="64 lower-case hex digits")


def _stays_inside(text: str) -> bool:
    path = PurePosixPath(text)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
