"""No message has a secret in any form that it may come in."""

from __future__ import annotations

import json

import pytest

from infra.config import hidden, keep_secret, parts_of

URL = "https://user:word@example.org/tief/Modell é.onnx?sig=a/b+c%3D&t=1"


@pytest.mark.parametrize(
    "text",
    [
        URL,
        f"{URL} does not answer",
        json.dumps({"url": URL}),
        json.dumps({"url": URL}, ensure_ascii=False),
        "https://example.org/tief/Modell%20%C3%A9.onnx?sig=a/b+c%3D&t=1",
        "https://example.org/tief/Modell%20%C3%A9.onnx?…",
        "https://example.org/tief/Modell é.onnx?…",
        "https://example.org/tief/Modell é.onnx",
    ],
)
def test_a_url_is_hidden_whole_quoted_and_as_it_is_shown(text: str) -> None:
    keep_secret([URL, URL.replace("user:word@", "")])
    assert not any(part in hidden(text) for part in ("word", "tief", "sig=", "example"))
    assert "[secret]" in hidden(text)


def test_a_file_is_hidden_by_its_url_and_by_its_path() -> None:
    keep_secret(["file:///srv/geheimes%20Fach/m.onnx"])
    assert hidden("chmod a+r /srv/geheimes Fach/m.onnx; file:///srv/geheimes%20Fach/m.onnx") == (
        "chmod a+r [secret]; [secret]"
    )


@pytest.mark.parametrize("nothing", ["", "  ", None, 3, "a", "a 3 b"])
def test_nothing_hides_nothing_and_a_short_text_not_half_of_all_words(nothing: object) -> None:
    keep_secret([nothing])
    assert hidden("a 3 b") == "a 3 b"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("model.source.url", ["model", "source", "url"]),
        ("endpoint.clients", ["endpoint", "clients"]),
        ("endpoint.clients.alice", ["endpoint", "clients", "alice"]),
        ("endpoint.clients.alice.next", ["endpoint", "clients", "alice.next"]),
    ],
)
def test_a_clients_name_is_one_part(name: str, parts: list[str]) -> None:
    assert parts_of(name) == parts
