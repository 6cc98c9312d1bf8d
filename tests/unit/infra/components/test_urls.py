import pytest

from infra.components.urls import root_url


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        (("http", "triton.example", 80), "http://triton.example"),
        (("http", "triton.example", 443), "http://triton.example:443"),
        (("https", "192.0.2.7", 443), "https://192.0.2.7"),
        (("https", "192.0.2.7", 8843), "https://192.0.2.7:8843"),
        (("https", "2001:db8::7", 443), "https://[2001:db8::7]"),
        (("https", "2001:db8::7", 8843), "https://[2001:db8::7]:8843"),
    ],
)
def test_a_url_has_the_port_that_its_scheme_does_not_imply(parts: tuple[str, str, int], url: str) -> None:
    assert root_url(*parts) == url
