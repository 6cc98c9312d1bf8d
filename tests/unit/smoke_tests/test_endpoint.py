import pytest

from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import OptionError


@pytest.mark.parametrize(
    ("url", "whole", "without_scheme"),
    [
        ("http://127.0.0.1:8800/dev", "http://127.0.0.1:8800/dev", "127.0.0.1:8800/dev"),
        ("127.0.0.1:8800/dev/", "http://127.0.0.1:8800/dev", "127.0.0.1:8800/dev"),
        ("localhost:8000", "http://localhost:8000", "localhost:8000"),
        ("triton.example", "http://triton.example:80", "triton.example:80"),
        ("https://triton.example/a/b", "https://triton.example:443/a/b", "triton.example:443/a/b"),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_url_in_the_forms_that_clients_want(url: str, whole: str, without_scheme: str) -> None:
    endpoint = Endpoint.from_url(url)
    assert (str(endpoint), endpoint.without_scheme) == (whole, without_scheme)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "ftp://host:1",
        "grpc://host:8001",
        "http://host:port",
        "http://host:65536",
        "http://[::1",
        "http://user:word@host",
        "http://host/?a=b",
        "http://host/#part",
        "http://host/a b",
    ],
)
def test_what_is_no_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(OptionError, match="is no URL of a server; accepted is") as refusal:
        Endpoint.from_url(url)
    assert repr(url) in str(refusal.value)
