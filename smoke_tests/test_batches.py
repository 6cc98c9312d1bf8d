"""A batch is answered picture by picture."""

from collections.abc import Callable

import numpy as np
import pytest

from contract.comparison import disagreement, scale_of_scores
from smoke_tests.batches import batch_sizes, unlike_rows, unlike_tensors
from smoke_tests.client import TritonClient
from smoke_tests.model import Model
from smoke_tests.settings import Settings

SIZES = ("2", "3", "largest")


@pytest.mark.parametrize("size", SIZES)
def test_batch_is_answered_picture_by_picture(
    size: str,
    client: TritonClient,
    settings: Settings,
    model: Model,
    record_property: Callable[[str, object], None],
) -> None:
    """Each row of a batch gets the scores that its picture gets alone, whatever its neighbours are."""
    rows = asked_rows(size, batch_sizes(model, settings.max_body_bytes), model)
    pictures = [*([settings.other_image] if settings.other_image else []), *settings.images]
    tensors = unlike_tensors([picture.image for picture in pictures], model.preprocessing)
    order = unlike_rows(rows, len(tensors))
    alone = {index: client.scores(tensors[index][np.newaxis])[0].tolist() for index in sorted(set(order))}
    together = client.scores(np.stack([tensors[index] for index in order]))
    record_property("batch_size", rows)
    record_property("unlike_pictures", len(alone))
    assert together.shape == (rows, model.classes)
    scale = model.scale or scale_of_scores(list(alone.values()))
    for row, index in enumerate(order):
        wrong = disagreement(together[row].tolist(), alone[index], scale=scale, tolerance=model.tolerance)
        assert not wrong, f"row {row} of {rows} is not as its picture alone: {wrong}"


def asked_rows(size: str, sizes: list[int], model: Model) -> int:
    """Return how many rows a size means, or skip the test where the model or its URL takes no such batch."""
    if not sizes:
        pytest.skip(f"no batch of 2 fits: the model's maxBatchSize is {model.max_batch_size}")
    if size == "largest":
        if sizes[-1] <= 3:
            pytest.skip(f"the largest batch is {sizes[-1]}, asked already")
        return sizes[-1]
    if int(size) not in sizes:
        pytest.skip(f"the largest batch is {sizes[-1]}")
    return int(size)
