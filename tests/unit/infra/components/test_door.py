"""The door of a stack with clients: the keys, what their names are for, and that Triton sees neither."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pulumi

from infra.components.door import door_from_endpoint
from infra.config.endpoints import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

KEYS = {"bob": "b" * 32, "alice": "a" * 32, "alice.next": "n" * 32}
OF_CLIENT = {"requestHeaderName": "Densenet-Triton-Client"}


def declared(declare: Declare, **endpoint: Any) -> Declared:
    """A door, and as the result the names of its middlewares, in their order."""
    config = Endpoint(**({"gatewayClass": "traefik", "acceptPlainHttp": True} | endpoint))

    def make() -> pulumi.Output[dict[str, list[str]]]:
        options = pulumi.ResourceOptions()
        door = door_from_endpoint("endpoint", config, json_bodies=True, namespace="triton-dev", child=options)
        kinds = {"every": door.every, "fair": door.fair, "infer": door.infer}
        found = {kind: [each["extensionRef"]["name"] for each in filters] for kind, filters in kinds.items()}
        return pulumi.Output.from_input(found)

    return declare(make)


def test_a_secret_has_a_fast_hash_of_each_key_and_no_key(declare: Declare) -> None:
    secret = declared(declare, clients=KEYS).named("endpoint-clients")
    assert (secret.type, secret.inputs["metadata"]) == (
        "kubernetes:core/v1:Secret",
        {"name": "triton-clients", "namespace": "triton-dev"},
    )
    assert secret.secret == {"data"}
    assert list(secret.inputs["data"]) == ["users"], "Traefik takes a Secret of a single key"
    lines = base64.b64decode(secret.inputs["data"]["users"]).decode().splitlines()
    assert lines == [
        f"{name}:{{SHA}}{base64.b64encode(hashlib.sha1(KEYS[name].encode()).digest()).decode()}"  # noqa: S324 - as htpasswd has it
        for name in ("alice", "alice.next", "bob")
    ]


def test_who_has_a_key_goes_on_by_name_and_without_it(declare: Declare) -> None:
    found = declared(declare, clients=KEYS)
    assert found.named("endpoint-keys").inputs["spec"] == {
        "basicAuth": {
            "secret": "triton-clients",
            "realm": "densenet-triton",
            "headerField": "Densenet-Triton-Client",
            "removeHeader": True,
        }
    }
    assert found.named("endpoint-nameless").inputs["spec"] == {
        "headers": {"customRequestHeaders": {"Densenet-Triton-Client": ""}}
    }


def test_keys_come_first_the_body_is_taken_in_late_and_triton_never_sees_a_name(declare: Declare) -> None:
    limits = {"bodyBytes": 1000, "requestsPerS": 5, "inFlight": 2}
    assert declared(declare, clients=KEYS, limits=limits).result == {
        "every": ["triton-keys", "triton-nameless"],
        "fair": [
            "triton-keys",
            "triton-limit-policy",
            "triton-rate-limit",
            "triton-in-flight-limit",
            "triton-nameless",
        ],
        "infer": [
            "triton-keys",
            "triton-limit-policy",
            "triton-rate-limit",
            "triton-in-flight-limit",
            "triton-nameless",
            "triton-body-limit",
        ],
    }


def test_with_keys_limits_are_each_clients_own(declare: Declare) -> None:
    found = declared(declare, clients=KEYS, limits={"requestsPerS": 5, "inFlight": 2, "proxies": 1})
    assert found.named("endpoint-rate-limit").inputs["spec"]["rateLimit"]["sourceCriterion"] == OF_CLIENT
    assert found.named("endpoint-in-flight-limit").inputs["spec"]["inFlightReq"]["sourceCriterion"] == OF_CLIENT


def test_without_keys_nobody_is_asked(declare: Declare) -> None:
    assert declared(declare).result == {"every": [], "fair": [], "infer": ["triton-body-limit"]}
