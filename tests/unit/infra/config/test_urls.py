"""URLs of models and pictures: taken as people write them, and never shown with what may be secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.config import OnnxSource, config_from_values
from infra.config.faults import shown
from infra.errors import ConfigError
from infra.release import build_spec, release_from_config, source_url

SHA256 = "b" * 64
SECRETS = ("hunter2", "somebody", "c2ln")


def with_source(values: dict[str, Any], url: object) -> dict[str, Any]:
    values["densenet-triton:model"]["source"] = {"kind": "onnx", "url": url, "sha256": SHA256}
    values["densenet-triton:model"]["preprocessing"] = "imagenet"
    return values


def with_picture(values: dict[str, Any], url: object) -> dict[str, Any]:
    values["densenet-triton:model"]["expect"]["image"] = {"url": url, "sha256": SHA256}
    return values


def fault(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from_values(values, stack="x")
    (line,) = caught.value.lines
    return line


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://example.org/a model.onnx", "https://example.org/a%20model.onnx"),
        ("https://example.org/modèle.onnx", "https://example.org/mod%C3%A8le.onnx"),
        ("https://example.org/a%20model.onnx", "https://example.org/a%20model.onnx"),
        ("https://modèles.example/m.onnx", "https://xn--modles-5ua.example/m.onnx"),
        ("https://example.org:8443/m.onnx?sig=a b", "https://example.org:8443/m.onnx?sig=a%20b"),
        ("https://[2001:db8::1]/m.onnx", "https://[2001:db8::1]/m.onnx"),
        (" https://example.org/m.onnx\n", "https://example.org/m.onnx"),
    ],
)
def test_a_url_is_quoted_where_people_do_not(dev_values: dict[str, Any], written: str, sent: str) -> None:
    source = config_from_values(with_source(dev_values, written), stack="x").model.source
    assert isinstance(source, OnnxSource)
    assert source.url == sent
    (picture,) = config_from_values(with_picture(dev_values, written), stack="x").inputs.pictures
    assert picture.url == sent


LOGINS = (
    "https://somebody:hunter2@example.org/m.onnx",
    "https://somebody@example.org/m.onnx",
    "https://:hunter2@example.org/m.onnx",
    "https://somebody:hunter2@exämple.org/è m.onnx?sig=c2ln",
)


@pytest.mark.parametrize("written", LOGINS)
def test_a_source_may_carry_a_user_and_a_password_which_the_build_alone_is_told(
    dev_values: dict[str, Any], written: str
) -> None:
    config = config_from_values(with_source(dev_values, written), stack="x")
    spec = json.dumps(build_spec(config, release_from_config(config)))
    assert not [secret for secret in SECRETS if secret in spec]
    assert {part for part in SECRETS if part in written} == {
        part for part in SECRETS if part in str(source_url(config))
    }


@pytest.mark.parametrize("written", [*LOGINS, "file://somebody:hunter2@localhost/m.onnx"])
def test_a_pictures_user_and_password_are_refused_unseen(dev_values: dict[str, Any], written: str) -> None:
    lines = _lines(with_picture(dev_values, written))
    line = next(line for line in lines if "densenet-triton:model.expect.image.url " in line)
    assert "carries a user or a password" in line
    assert not any(secret in text for secret in SECRETS for text in lines)


def test_a_files_user_and_password_are_refused_unseen(dev_values: dict[str, Any]) -> None:
    line = fault(with_source(dev_values, "file://somebody:hunter2@localhost/m.onnx"))
    assert "densenet-triton:model.source.url carries a user or a password" in line
    assert not any(secret in line for secret in SECRETS)


def _lines(values: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config_from_values(values, stack="x")
    return caught.value.lines


@pytest.mark.parametrize(
    "written",
    [
        "https:/somebody:hunter2@example.org/m?sig=c2ln",
        "http://somebody:hunter2@example.org/m?sig=c2ln",
        "somebody:hunter2@example.org/m",
        "https://example.org:99999999/m?sig=c2ln",
        ["https://somebody:hunter2@example.org/m?sig=c2ln"],
        {"secure": "https://somebody:hunter2@example.org/m?sig=c2ln"},
        "file://nas/m?sig=c2ln",
    ],
)
@pytest.mark.parametrize("key", ["url", "uri", "output"])
def test_nothing_of_it_is_shown_wherever_it_stands(dev_values: dict[str, Any], key: str, written: object) -> None:
    values = with_source(dev_values, "https://example.org/m")
    values["densenet-triton:model"]["source"] |= {key: written, "kind": "package" if key == "output" else "onnx"}
    lines = _lines(values)
    assert any(f"model.source.{key} " in line for line in lines)
    assert not any(secret in line for secret in SECRETS for line in lines)


def test_the_mend_of_a_refused_url_is_accepted(dev_values: dict[str, Any]) -> None:
    line = fault(with_source(dev_values, "http://somebody:hunter2@example.org/m"))
    mend = line.partition("; mend: in Pulumi.x.yaml set model.source.url: ")[2]
    assert config_from_values(with_source(dev_values, mend), stack="x").model.source.kind == "onnx"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("https://u:p@h:1/x?sig=s#f", '"https://h:1/x?…"'),
        ({"a": ["see https://u:p@h/x y?sig=s"]}, '{"a": ["see https://h/x y?…"]}'),
        ("u:p@h/x", '"…@h/x"'),
        (f"registry:5000/a:1@sha256:{'0' * 40}", f'"registry:5000/a:1@sha256:{"0" * 40}"'),
        (["plain", 1, None], '["plain", 1, null]'),
    ],
)
def test_what_a_fault_shows_is_discreet(value: object, text: str) -> None:
    assert shown(value) == text
