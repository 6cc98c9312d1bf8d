"""A picture put to a model, and what the answer must be."""

from dataclasses import dataclass, field

import numpy as np

from contract.expectation import Expectation
from contract.pictures import tensor_from_picture
from contract.preprocessing import Preprocessing
from smoke_tests.model import Model
from smoke_tests.pictures import Picture
from smoke_tests.settings import Settings, require_expectation
from smoke_tests.wire import Tensor


@dataclass(frozen=True, kw_only=True)
class Question:
    """One expected picture.

    Attributes:
        name: the picture's.
        tensor: float32 (channels, height, width), or (1, channels, height, width) for a model with a batch dimension.
        expectation: what it must be called.
        golden: what the reference scored, one for each class; None where nobody has said it.
    """

    name: str
    tensor: Tensor = field(repr=False)
    expectation: Expectation
    golden: tuple[float, ...] | None = field(repr=False)


def questions_from_settings(settings: Settings, model: Model) -> tuple[Question, ...]:
    """Put every expected picture to a model.

    Raises:
        OptionError: what is expected does not fit the model.
    """
    require_expectation(settings.expectations[0], model.classes)
    return tuple(
        Question(
            name=picture.name,
            tensor=request_tensor(picture, model),
            expectation=expectation,
            golden=settings.golden_scores(picture),
        )
        for picture, expectation in zip(settings.images, settings.expectations, strict=True)
    )


def request_tensor(picture: Picture, model: Model, preprocessing: Preprocessing | None = None) -> Tensor:
    """Make the input of a request about one picture.

    Args:
        picture: any size.
        model: that is asked.
        preprocessing: another than the model's own.
    """
    tensor = tensor_from_picture(picture.image, preprocessing or model.preprocessing)
    return tensor[np.newaxis] if model.max_batch_size else tensor
