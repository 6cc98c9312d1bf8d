"""What a model must answer: the configuration's ``model.expect``, a picture at least."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from contract import expectation as contract
from infra.config.group import Group
from infra.config.text import FilePath, Filled, PictureUrl, Sha256, refusal


class FetchedPicture(Group):
    """A picture that is fetched, named by its bytes."""

    url: PictureUrl = Field(
        description="Where the picture is, percent-encoded or not; without user and password, which would be seen.",
        examples=["https://example.org/mug.jpg"],
    )
    sha256: Sha256 = Field(description="SHA-256 of the file, as `sha256sum` prints it.", examples=["<64 hex digits>"])


def _form(value: Any) -> str:
    # no key is called so: a fault's path is told from these words by that
    return "a group" if isinstance(value, dict | FetchedPicture) else "a path"


Picture = Annotated[
    Annotated[FilePath, Tag("a path")] | Annotated[FetchedPicture, Tag("a group")], Discriminator(_form)
]


def _classes(value: Any) -> Any:
    whole = isinstance(value, list) and all(isinstance(index, int) and not isinstance(index, bool) for index in value)
    if not whole or not all(index >= 0 for index in value):
        raise refusal("a list of classes, whole numbers from 0")
    return tuple(value)


_IMAGE = (
    "The picture, relative to the repository root, all of them at most 1 MiB; or url and sha256 of one that is fetched."
)
_CLASS = "Index of the class that must come first."


class ExpectedAnswer(Group):
    """One picture, and what its answer must be."""

    image: Picture = Field(description=_IMAGE, examples=["smoke_tests/data/cup.png"])
    class_: int = Field(ge=0, alias="class", description=_CLASS, examples=[968])
    label: Filled | None = Field(default=None, description="That class's label; checked against the labels file.")
    top: Annotated[tuple[int, ...], BeforeValidator(_classes)] = Field(
        default=(), description="The first classes in their order, beginning with the expected one."
    )
    margin: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="By how much the expected class must lead the next, in units of a score.",
    )

    def expectation(self, label: str) -> contract.Expectation:
        """What the build and the pods are told, with the class's label."""
        return contract.Expectation(class_index=self.class_, label=label, top=self.top, margin=self.margin)


class Expectation(ExpectedAnswer):
    """What the answers must be; never taken from the model under test."""

    image: Picture = Field(description=_IMAGE, examples=["smoke_tests/data/mug.png"])
    class_: int = Field(ge=0, alias="class", description=_CLASS, examples=[504])
    other_image: Picture | None = Field(
        default=None,
        description="A picture that must not be of the expected class, for the smoke tests.",
        examples=["smoke_tests/data/ball.png"],
    )
    inception: bool = Field(
        default=False,
        description="Whether the quick start's second preprocessing, INCEPTION, must lead to the same class.",
    )
    also: tuple[ExpectedAnswer, ...] = Field(
        default=(),
        description="More pictures that are asked about.",
        examples=[[{"image": "smoke_tests/data/cup.png", "class": 968}]],
    )
