from dataclasses import dataclass, field

import pytest

from deploy.address import url_of_today
from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from infra.config import Cluster as ClusterConfig

OUTPUTS = {"url": "http://10.0.0.1:8080/triton-dev", "namespace": "triton-dev"}


@dataclass(frozen=True, kw_only=True)
class StandIn(Cluster):
    """A cluster whose Gateway has these addresses; with None it does not answer."""

    config: ClusterConfig = field(default_factory=lambda: ClusterConfig(context="c", namespace="triton-dev"))
    environment: dict[str, str] = field(default_factory=dict)
    addresses: str | None

    def kubectl(self, *_: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        if self.addresses is None or input_text:
            raise CommandFailedError(f"no answer within {timeout_s} s")
        return self.addresses


@pytest.mark.parametrize(
    ("addresses", "url"),
    [
        ("10.0.0.1", "http://10.0.0.1:8080/triton-dev"),
        ("10.0.0.9 10.0.0.1", "http://10.0.0.1:8080/triton-dev"),
        ("10.0.0.2 10.0.0.3", "http://10.0.0.2:8080/triton-dev"),
        ("2001:db8::1", "http://[2001:db8::1]:8080/triton-dev"),
        ("", "http://10.0.0.1:8080/triton-dev"),
        (None, "http://10.0.0.1:8080/triton-dev"),
    ],
)
def test_the_url_has_the_address_of_today(addresses: str | None, url: str) -> None:
    assert url_of_today(OUTPUTS, None, StandIn(addresses=addresses)) == url


def test_a_url_without_a_port_stays_without() -> None:
    outputs = {**OUTPUTS, "url": "http://lb-1.example/triton-dev"}

    assert url_of_today(outputs, None, StandIn(addresses="lb-2.example")) == "http://lb-2.example/triton-dev"


def test_a_host_name_of_the_configuration_is_no_address() -> None:
    outputs = {**OUTPUTS, "url": "http://triton.example"}

    assert url_of_today(outputs, "triton.example", StandIn(addresses="10.0.0.2")) == "http://triton.example"
