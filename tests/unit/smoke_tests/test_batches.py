import itertools

import numpy as np
import pytest
from PIL import Image

from contract.comparison import DEFAULT_TOLERANCE
from contract.preprocessing import preprocessing_from_value
from smoke_tests.batches import batch_sizes, unlike_rows, unlike_tensors
from smoke_tests.model import Model

PICTURE_BYTES = 4 * 3 * 224 * 224


def model(max_batch_size: int) -> Model:
    return Model(
        max_batch_size=max_batch_size,
        preprocessing=preprocessing_from_value("imagenet", (3, 224, 224)),
        classes=2,
        scale=None,
        tolerance=DEFAULT_TOLERANCE,
    )


@pytest.mark.parametrize(
    ("max_batch_size", "max_body_bytes", "sizes"),
    [
        (0, None, []),
        (1, None, []),
        (2, None, [2]),
        (3, None, [2, 3]),
        (8, None, [2, 3, 8]),
        (128, None, [2, 3, 64]),
        (128, 5 * PICTURE_BYTES + 1024, [2, 3, 5]),
        (128, 5 * PICTURE_BYTES + 1023, [2, 3, 4]),
        (128, PICTURE_BYTES, []),
        (128, 1 << 40, [2, 3, 64]),
    ],
)
def test_sizes_are_those_that_model_and_url_take(
    max_batch_size: int, max_body_bytes: int | None, sizes: list[int]
) -> None:
    assert batch_sizes(model(max_batch_size), max_body_bytes) == sizes


@pytest.mark.parametrize("count", range(2, 12))
def test_neighbours_differ_and_every_input_is_used(count: int) -> None:
    rows = unlike_rows(64, count)
    assert all(one != next_one for one, next_one in itertools.pairwise(rows))
    assert set(rows) == set(range(count))
    if count > 2:
        assert rows[:count] != rows[count : 2 * count]


def test_one_picture_has_a_mirror_image_and_quarter_turns_unlike_it() -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 260, 3), dtype=np.uint8))
    made = preprocessing_from_value("imagenet", (3, 224, 224))
    tensors = unlike_tensors([picture], made)
    assert len({tensor.tobytes() for tensor in tensors}) == len(tensors) == 8
    assert {tensor.shape for tensor in tensors} == {(3, 224, 224)}
    assert len(unlike_tensors([Image.new("RGB", (8, 8))], made)) == 1
