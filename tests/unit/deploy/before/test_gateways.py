"""A Gateway that others made is looked for before anything changes."""

import pytest

from deploy.before.gateways import require_gateway
from deploy.errors import CommandFailedError, DeployError, ForbiddenError
from infra.config import REPOSITORY, StackConfig, config_from_yaml


class StandIn:
    """Answers for a cluster, and remembers what it was asked."""

    def __init__(self, refusal: str = "") -> None:
        self._refusal = refusal
        self.asked: list[tuple[str, ...]] = []

    def kubectl(self, *arguments: str) -> str:
        self.asked.append(arguments)
        if self._refusal:
            raise (ForbiddenError if "(Forbidden)" in self._refusal else CommandFailedError)(self._refusal)
        return "gateway.gateway.networking.k8s.io/public"


def config(*, exists: bool = True) -> StackConfig:
    found = config_from_yaml(REPOSITORY / "Pulumi.dev.yaml")
    gateway = {"name": "public", "namespace": "gateways", "section": "web"}
    values = {"gateway": gateway} if exists else {"gatewayClass": "traefik"}
    return StackConfig(**(vars(found) | {"endpoint": type(found.endpoint).model_validate(values)}))


def test_a_gateway_of_ones_own_is_not_looked_for() -> None:
    cluster = StandIn()
    require_gateway(config(exists=False), cluster)  # type: ignore[arg-type]
    assert cluster.asked == []


def test_one_that_exists_is_read_where_it_is() -> None:
    cluster = StandIn()
    require_gateway(config(), cluster)  # type: ignore[arg-type]
    kind = "gateways.gateway.networking.k8s.io"
    assert cluster.asked == [("get", kind, "public", "--namespace=gateways", "--output=name")]


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("Error from server (NotFound): no", "is not there; accepted: one that kubectl get gateways."),
        ("Error from server (Forbidden): no", "may not be read by this user; accepted: the verb get on gateways."),
        (
            "Error: the server doesn't have a resource type",
            "was not read: Error: the server doesn't have a resource type",
        ),
    ],
)
def test_what_keeps_it_from_being_used_is_one_line(refusal: str, said: str) -> None:
    with pytest.raises(DeployError) as raised:
        require_gateway(config(), StandIn(refusal))  # type: ignore[arg-type]
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"endpoint.gateway: Gateway gateways/public {said}")
