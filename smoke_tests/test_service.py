"""The server is up, and the model is the one that was promised."""

import pytest

from smoke_tests.client import TritonClient
from smoke_tests.contract import INPUT, output_of
from smoke_tests.endpoint import Endpoint
from smoke_tests.settings import Settings
from smoke_tests.wire import exchange


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/{model}/ready"])
def test_is_healthy(path: str, endpoint: Endpoint, settings: Settings) -> None:
    """Live, ready, and the model ready, on the URL and on every replica."""
    reply = exchange(endpoint, "GET", path.format(model=settings.model), timeout_s=settings.timeout_s)
    assert reply.status == 200, f"{endpoint}: {reply.reason or 'no reason given'}"


def test_metadata_is_the_contract(replica: TritonClient, settings: Settings, max_batch_size: int) -> None:
    """One input and one output of the contract's names, datatypes and shapes."""
    metadata = replica.metadata()
    assert metadata["name"] == settings.model
    assert metadata["inputs"] == [INPUT.metadata(max_batch_size=max_batch_size)]
    assert metadata["outputs"] == [output_of(settings.classes).metadata(max_batch_size=max_batch_size)]


def test_config_names_the_labels(replica: TritonClient, settings: Settings, max_batch_size: int) -> None:
    """The configuration can be read, batches as promised, and has a label file for the output."""
    config = replica.config()
    assert config["name"] == settings.model
    assert config["max_batch_size"] == max_batch_size
    (output,) = config["output"]
    assert output["label_filename"], "class_count gives no labels without a label file"
