"""Names and keys of clients: what can be one, what is told of it, and that no key ever is."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest

from infra.config import StackValues, config_from_stack_values, hidden
from infra.config.clients import is_client_key, is_client_name, names_of
from infra.config.faults import StackFile
from infra.errors import ConfigError

ENDPOINT = "densenet-triton:endpoint"
KEY = "abcdefghijklmnopqrstuvwxyz-geheim"
OTHER = KEY.replace("abc", "xyz")


def read(values: dict[str, Any], clients: Any, *, sealed: bool = True, **endpoint: Any) -> StackValues:
    """As it is when Pulumi has decrypted what the file has sealed."""
    places = [f"endpoint.clients.{name}" for name in clients] if sealed else []
    own = {"gatewayClass": "traefik", "port": 8800, "admit": [{"cidr": "10.210.0.254/32"}]}
    found = values | {ENDPOINT: own | {"clients": clients} | endpoint}
    return StackValues(values=found, file=StackFile(stack="x"), secrets=tuple(places))


def faults(found: StackValues) -> list[str]:
    try:
        config_from_stack_values(found)
    except ConfigError as error:
        return list(error.lines)
    return []


def test_a_client_has_two_keys_at_most_and_none_is_shown(dev_values: dict[str, Any]) -> None:
    found = read(dev_values, {"alice": KEY, "alice.next": OTHER, "bob-2": OTHER}, acceptPlainHttp=True)
    config = config_from_stack_values(found)
    assert {name: key.get_secret_value() for name, key in config.endpoint.clients.items()} == {
        "alice": KEY,
        "alice.next": OTHER,
        "bob-2": OTHER,
    }
    assert "geheim" not in f"{config!r} {config.endpoint} {found!r}"


def test_without_clients_everybody_may_ask(dev_values: dict[str, Any]) -> None:
    assert config_from_stack_values(read(dev_values, {})).endpoint.clients == {}


def test_a_key_that_stands_there_openly_is_refused_with_the_command_that_makes_one(dev_values: dict[str, Any]) -> None:
    found = read(dev_values, {"alice": KEY, "bob.next": OTHER}, sealed=False, acceptPlainHttp=True)
    assert faults(found) == [
        f"Pulumi.x.yaml: densenet-triton:endpoint.clients.{name} is a key that is not encrypted; accepted: a secret of"
        f" Pulumi's, secure:; mend: make client ADD={client} STACK=x"
        for name, client in (("alice", "alice"), ("bob.next", "bob"))
    ]


@pytest.mark.parametrize("key", ["", "geheim", KEY[:31], f"{KEY[:31]}:{KEY}", f"{KEY} {KEY}", f"{KEY}\n", "é" * 40])
def test_what_can_be_no_key_is_told_by_its_length_alone(dev_values: dict[str, Any], key: str) -> None:
    (line,) = faults(read(dev_values, {"alice": key}, acceptPlainHttp=True))
    assert line == (
        f"Pulumi.x.yaml: densenet-triton:endpoint.clients.alice is a key of {len(key)} characters that cannot be one;"
        " accepted: 32 to 256 characters of ASCII, without blanks and ':'; mend: make client DROP=alice STACK=x, then"
        " make client ADD=alice STACK=x"
    )


@pytest.mark.parametrize(
    "name", ["Alice", "a_b", "a:b", "-a", "a" * 64, "", ".next", "a.next.next", "a.other", "a b", "a\nb:{SHA}x"]
)
def test_a_name_is_a_dns_label(dev_values: dict[str, Any], name: str) -> None:
    assert not is_client_name(name)
    (line,) = faults(read(dev_values, {name: KEY}, acceptPlainHttp=True))
    assert line.startswith("Pulumi.x.yaml: densenet-triton:endpoint.clients has ")
    assert "accepted: a DNS label: a-z, 0-9 and '-', at most 63, no '-' at its ends; or one with .next" in line
    assert "geheim" not in line


@pytest.mark.parametrize("clients", ["geheim-geheim", ["geheim-geheim"], {"alice": 12345678901}, {"a": {"b": KEY}}])
def test_what_is_no_group_of_keys_is_not_shown(dev_values: dict[str, Any], clients: Any) -> None:
    (line,) = faults(read(dev_values, clients, acceptPlainHttp=True))
    assert "densenet-triton:endpoint.clients " in line
    added = "make client ADD=(name|alice|a) STACK=x"
    assert re.search(
        f"accepted: names with keys; mend: (remove endpoint.clients from Pulumi.x.yaml, then )?{added}$", line
    )
    assert "geheim" not in line
    assert "12345678901" not in line


def test_a_key_that_nobody_has_decrypted_is_none(dev_values: dict[str, Any]) -> None:
    (line,) = faults(read(dev_values, {"alice": {"secure": "v1:abc"}}, acceptPlainHttp=True))
    assert line.endswith(
        "has the key of alice still encrypted; accepted: keys that Pulumi decrypts; mend: make client ADD=alice STACK=x"
    )


@pytest.mark.parametrize("name", ["{stack}", "a{0}b", "Alice"])
def test_a_wrong_name_with_no_key_is_told_without_an_edit_that_opens_the_door(
    dev_values: dict[str, Any], name: str
) -> None:
    (line,) = faults(read(dev_values, {name: None}, acceptPlainHttp=True))
    assert line.endswith(
        f"else than a key for {name}; accepted: names with keys; mend: in Pulumi.x.yaml rename it, or remove it"
    )


def test_from_now_on_no_message_has_a_key(dev_values: dict[str, Any]) -> None:
    key = secrets.token_urlsafe()
    faults(read(dev_values, {"alice": key}, sealed=False, gatewayClass=3))
    assert hidden(f"says {key}") == "says [secret]"


def test_keys_by_plain_http_are_refused_unless_that_is_known(dev_values: dict[str, Any]) -> None:
    (line,) = faults(read(dev_values, {"alice": KEY}))
    assert line == (
        "Pulumi.x.yaml: densenet-triton:endpoint.clients has keys, and by plain HTTP everybody on the way can read"
        " them; accepted: endpoint.tls, or endpoint.acceptPlainHttp: true, knowingly; mend: in Pulumi.x.yaml set"
        " endpoint.acceptPlainHttp: true"
    )
    assert faults(read(dev_values, {"alice": KEY}, acceptPlainHttp=True)) == []
    assert faults(read(dev_values, {"alice": KEY}, port=8843, tls={"local": True})) == []


def test_a_class_that_knows_no_keys_is_told_with_one_that_does(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:serving"]["image"] = "nvcr.io/nvidia/tritonserver:26.07-py3"  # needs no bound of JSON
    (line,) = faults(read(dev_values, {"alice": KEY}, acceptPlainHttp=True, gatewayClass="istio"))
    assert line == (
        "Pulumi.x.yaml: densenet-triton:endpoint.clients has keys: gateway class istio cannot ask clients for keys;"
        " accepted: none, or gateway class traefik; mend: in Pulumi.x.yaml set endpoint.gatewayClass: traefik"
    )


def test_what_makes_keys_makes_right_ones() -> None:
    assert is_client_key(secrets.token_urlsafe(32))
    assert names_of("alice") == ("alice", "alice.next")
    assert all(map(is_client_name, names_of("a" * 63)))
