"""The server is up, and the model is the one that was promised."""

import pytest

from contract.served import input_of, output_of
from smoke_tests.client import TritonClient
from smoke_tests.endpoint import Endpoint
from smoke_tests.model import Model
from smoke_tests.settings import Settings
from smoke_tests.wire import exchange


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/{model}/ready"])
def test_is_healthy(path: str, endpoint: Endpoint, settings: Settings) -> None:
    """Live, ready, and the model ready, on the URL and on every replica."""
    reply = exchange(endpoint, "GET", path.format(model=settings.model), timeout_s=settings.timeout_s)
    assert reply.status == 200, f"{endpoint}: {reply.reason or 'no reason given'}"


def test_metadata_is_the_contract(replica: TritonClient, settings: Settings, model: Model) -> None:
    """One input and one output of the contract's names, datatypes and shapes."""
    metadata = replica.metadata()
    assert metadata["name"] == settings.model
    assert metadata["inputs"] == [input_of(model.shape).document(max_batch_size=model.max_batch_size)]
    assert metadata["outputs"] == [output_of(model.classes).document(max_batch_size=model.max_batch_size)]


def test_config_names_the_labels(replica: TritonClient, settings: Settings, model: Model) -> None:
    """The configuration can be read, batches as promised, and has a label file for the output."""
    config = replica.config()
    assert config["name"] == settings.model
    assert config["max_batch_size"] == model.max_batch_size
    (output,) = config["output"]
    assert output["label_filename"], "class_count gives no labels without a label file"
