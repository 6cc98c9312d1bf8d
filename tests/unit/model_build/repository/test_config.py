"""What Triton is told of a model, by Triton's own description of its configuration."""

from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from model_build.errors import SourceError
from model_build.repository import ServedModel
from model_build.repository.config import config_from_text, python_config, tensorrt_config, text_from_config

SHAPE = (1, 28, 30)
LABELS = ("TENCH", "MUG")


def served(*, max_batch_size: int = 0, instances: int = 1) -> ServedModel:
    return ServedModel(name="tiny", shape=SHAPE, labels=LABELS, max_batch_size=max_batch_size, instances=instances)


@pytest.mark.parametrize("configured", [python_config, tensorrt_config])
def test_what_is_written_is_read_as_it_was(configured: Any) -> None:
    config = configured(served())
    text = text_from_config(config)
    assert config_from_text(text, name="config.pbtxt") == config
    assert text_format.Parse(text, model_config_pb2.ModelConfig()).name == "tiny"


def test_images_have_the_model_s_own_shape() -> None:
    config = tensorrt_config(served())
    assert list(config.input[0].dims) == [1, 28, 30]
    assert list(config.input[0].reshape.shape) == [1, 1, 28, 30]
    assert list(config.model_warmup[0].inputs["input"].dims) == [1, 28, 30]
    assert list(python_config(served()).input[0].dims) == [1, 28, 30]


def test_one_image_is_a_cuda_graph_of_the_only_profile() -> None:
    config = tensorrt_config(served())
    assert config.optimization.cuda.graphs
    assert list(config.instance_group[0].profile) == []


def test_batches_take_the_profile_that_is_nearest() -> None:
    config = tensorrt_config(served(max_batch_size=8, instances=3))
    (group,) = config.instance_group
    assert (group.count, list(group.profile)) == (3, ["0", "1"])
    assert not config.HasField("optimization")
    assert [(warm_up.batch_size, warm_up.count) for warm_up in config.model_warmup] == [(1, 1), (8, 1)]
    assert not config.input[0].HasField("reshape")


def test_batches_of_one_need_one_profile_and_one_warm_up() -> None:
    config = tensorrt_config(served(max_batch_size=1))
    assert list(config.instance_group[0].profile) == []
    assert [warm_up.batch_size for warm_up in config.model_warmup] == [1]


@pytest.mark.parametrize("configured", [python_config, tensorrt_config])
def test_batches_are_gathered_where_they_are_served(configured: Any) -> None:
    assert configured(served(max_batch_size=1)).HasField("dynamic_batching")
    assert not configured(served()).HasField("dynamic_batching")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('name: "a"\nnew: 1', r'^c, line 2, column 1: .* has no field named "new"; accepted: a configuration without'),
        (
            "output [ {\n dims: x\n} ]",
            r"^c, line 2, column 8: .*Couldn't parse integer: x; accepted: protobuf text",
        ),
        ('name: "a" name: "b"', r'^c, line 1, column 17: .* should not have multiple "name" fields; accepted: '),
    ],
)
def test_what_triton_does_not_read_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as raised:
        config_from_text(text, name="c")
    assert str(raised.value).isprintable()
