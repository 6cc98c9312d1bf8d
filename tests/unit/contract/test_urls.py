import pytest

from contract.errors import UrlError
from contract.urls import quoted_url, shown_url


def refusal(text: str) -> str:
    with pytest.raises(UrlError) as caught:
        quoted_url(text)
    said = str(caught.value)
    assert "\n" not in said
    assert "accepted: " in said
    return said


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://models.example/m.onnx", "https://models.example/m.onnx"),
        ("  https://models.example/m.onnx\n", "https://models.example/m.onnx"),
        ("https://models.example", "https://models.example/"),
        ("https://models.example/modèle d'été.onnx", "https://models.example/mod%C3%A8le%20d'%C3%A9t%C3%A9.onnx"),
        ("https://models.example/mod%C3%A8le.onnx", "https://models.example/mod%C3%A8le.onnx"),
        ("https://models.example/100%.onnx", "https://models.example/100%25.onnx"),
        ("https://models.example/a?sig=a%2Fb+c&x=é y", "https://models.example/a?sig=a%2Fb+c&x=%C3%A9%20y"),
        ("https://models.example/m.onnx#frag", "https://models.example/m.onnx"),
        ("https://bücher.example:8443/m", "https://xn--bcher-kva.example:8443/m"),
        ("https://MODELS.example/M", "https://models.example/M"),
        ("https://[2001:db8::1]:8443/m", "https://[2001:db8::1]:8443/m"),
        ("HTTPS://models.example/m", "https://models.example/m"),
        ("https://models.example/v1@2/m", "https://models.example/v1@2/m"),
        ("file:///srv/models/m.onnx", "file:///srv/models/m.onnx"),
        ("file://localhost/srv/m.onnx", "file:///srv/m.onnx"),
        ("file:///srv/a b#1?.onnx", "file:///srv/a%20b%231%3F.onnx"),
        ("file:///srv/50%.onnx", "file:///srv/50%25.onnx"),
    ],
)
def test_a_url_is_sent_quoted(text: str, sent: str) -> None:
    assert quoted_url(text) == sent
    assert quoted_url(sent) == sent


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no URL that is fetched"),
        ("m.onnx", "is no URL that is fetched"),
        ("/srv/m.onnx", "is no URL that is fetched"),
        ("http://models.example/m", "is no URL that is fetched"),
        ("ftp://models.example/m", "is no URL that is fetched"),
        ("https:///m", "is no URL that is fetched"),
        ("https://models example/m", "is no URL that is fetched"),
        ("https://models.example:port/m", "is no URL;"),
        ("https://models.example:99999/m", "is no URL;"),
        ("https://[::1/m", "is no URL;"),
        ("https://models..example/m", "has a host whose name is none"),
        (f"https://{'a' * 64}.example/m", "has a host whose name is none"),
        ("file://models.example/m", "is no URL of a file"),
        ("file:m.onnx", "is no URL of a file"),
        ("file:///", "is no URL of a file"),
    ],
)
def test_what_is_not_fetched_is_refused(text: str, reason: str) -> None:
    said = refusal(text)
    assert said.startswith(reason)
    assert said.endswith("; accepted: https://host/file, or file:///path on a local cluster")


@pytest.mark.parametrize(
    "text",
    ["https://user:s3cret@models.example/m", "https://s3cret@models.example/m", "https://user:s3cret@/m?sig=s3cret"],
)
def test_a_user_and_a_password_are_refused_and_not_shown(text: str) -> None:
    said = refusal(text)
    assert "s3cret" not in said
    assert "carries a user or a password" in said
    assert said.endswith("the file staged on the storage as sources/<sha256>")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://user:s3cret@models.example/m", "https://user:s3cret@models.example/m"),
        ("https://token@bücher.example:8443/m?sig=x", "https://token@xn--bcher-kva.example:8443/m?sig=x"),
        ("https://me@example.org:p ss@models.example/m", "https://me%40example.org:p%20ss@models.example/m"),
    ],
)
def test_one_that_is_kept_as_a_secret_may_carry_them(text: str, sent: str) -> None:
    assert quoted_url(text, secret=True) == sent
    assert quoted_url(sent, secret=True) == sent
    with pytest.raises(UrlError, match="carries a user"):
        quoted_url(text)


def test_a_file_has_neither() -> None:
    with pytest.raises(UrlError, match="carries a user"):
        quoted_url("file://user:s3cret@localhost/m", secret=True)


@pytest.mark.parametrize("text", ["https://models.example:s3cret/m", "http://h/m?sig=s3cret", "https://a..b/m?s3cret"])
def test_no_refusal_shows_what_the_url_is(text: str) -> None:
    assert "s3cret" not in refusal(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://models.example:8443/a/m.onnx", "https://models.example:8443/a/m.onnx"),
        ("https://models.example/m.onnx?sig=s3cret", "https://models.example/m.onnx?…"),
        ("https://user:s3cret@models.example/m#s3cret", "https://models.example/m"),
        ("https://[2001:db8::1]:8443/m", "https://[2001:db8::1]:8443/m"),
        ("file:///srv/m.onnx", "file:///srv/m.onnx"),
        ("https://[::1/m?s3cret", "a URL that is none"),
        ("https://models.example:s3cret/m", "a URL that is none"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
