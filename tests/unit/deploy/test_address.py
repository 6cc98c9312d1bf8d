import base64
from dataclasses import dataclass, field

import pytest

from deploy.address import outputs_of_today, url_of_today
from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from infra.config import Cluster as ClusterConfig
from infra.config.endpoints import Endpoint

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


@pytest.mark.parametrize(
    ("url", "today"),
    [
        ("https://10.0.0.1:8443/triton-dev", "https://10.0.0.2:8443/triton-dev"),
        ("https://10.0.0.1/triton-dev", "https://10.0.0.2/triton-dev"),
    ],
)
def test_a_url_of_https_stays_one(url: str, today: str) -> None:
    assert url_of_today({**OUTPUTS, "url": url}, None, StandIn(addresses="10.0.0.2")) == today


PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("tls", "answer", "authority"),
    [
        (None, "", "of the outputs"),
        ({"local": True}, "", "of the outputs"),
        ({"secret": "mine"}, base64.b64encode(PEM.encode()).decode(), PEM),
        ({"secret": "mine"}, "", None),
    ],
)
def test_of_a_secret_clients_trust_the_authority_that_it_has_today(
    tls: dict[str, object] | None, answer: str, authority: str | None
) -> None:
    endpoint = Endpoint.model_validate({"tls": tls, "hostname": "triton.example"})
    outputs = {**OUTPUTS, "certificateAuthority": "of the outputs"}

    found = outputs_of_today(outputs, endpoint, StandIn(addresses=answer))

    assert found == {**outputs, "certificateAuthority": authority}


def test_an_authority_that_may_not_be_read_is_not_said_to_be_none() -> None:
    endpoint = Endpoint.model_validate({"tls": {"secret": "mine"}, "hostname": "triton.example"})
    outputs = {**OUTPUTS, "certificateAuthority": None}

    assert outputs_of_today(outputs, endpoint, StandIn(addresses=None)) == OUTPUTS


def test_outputs_of_an_earlier_version_know_no_authority() -> None:
    assert outputs_of_today(OUTPUTS, Endpoint(), StandIn(addresses="")) == {**OUTPUTS, "certificateAuthority": None}
