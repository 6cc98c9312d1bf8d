"""Batches that show whose row is whose: no row is like its neighbours."""

from collections.abc import Sequence

from PIL import Image

from contract.pictures import tensor_from_picture
from contract.preprocessing import Preprocessing
from smoke_tests.model import Model
from smoke_tests.wire import Tensor

LARGEST_BATCH = 64
"""Of larger ones no more is asked: the largest batch has so many pictures, or as many as --max-body-bytes lets in."""

_SMALL = (2, 3)
_FLOAT32_BYTES = 4
_HEADER_BYTES = 1024
"""More than a request's JSON header has."""

_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


def batch_sizes(model: Model, max_body_bytes: int | None) -> list[int]:
    """Return the sizes that are asked, ascending: 2, 3 and the largest, as far as the model and its URL take them.

    Args:
        model: whose batches.
        max_body_bytes: the largest body that the URL accepts, if that is known.
    """
    channels, height, width = model.shape
    picture_bytes = _FLOAT32_BYTES * channels * height * width
    fitting = LARGEST_BATCH if max_body_bytes is None else (max_body_bytes - _HEADER_BYTES) // picture_bytes
    largest = min(model.max_batch_size, LARGEST_BATCH, fitting)
    return sorted({size for size in (*_SMALL, largest) if 2 <= size <= largest})


def unlike_tensors(pictures: Sequence[Image.Image], preprocessing: Preprocessing) -> list[Tensor]:
    """Make inputs that differ: the pictures', then those of the first one's mirror image and quarter-turns.

    Args:
        pictures: RGB, any size; one or more.
        preprocessing: the model's.

    Returns:
        float32 (channels, height, width) each; only one where all look the same.
    """
    mirrored = pictures[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = [each.transpose(turn) for each in (pictures[0], mirrored) for turn in _TURNS]
    tensors = [tensor_from_picture(each, preprocessing) for each in (*pictures, mirrored, *turned)]
    return list({tensor.tobytes(): tensor for tensor in tensors}.values())


def unlike_rows(size: int, count: int) -> list[int]:
    """Say which of so many inputs each row of a batch is: neighbours differ, and the order does not soon repeat."""
    shifted = count > 2  # of two the only such order is in turn
    return [(row + shifted * (row // count)) % count for row in range(size)]
