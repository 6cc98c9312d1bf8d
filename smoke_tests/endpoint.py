"""A server's address, in the forms that the different clients want."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from smoke_tests.access import Access
from smoke_tests.errors import OptionError

DEFAULT_PORTS = {"http": 80, "https": 443}
ACCEPTED = "accepted is [http[s]://]HOST[:PORT][/BASE], such as http://127.0.0.1:8800/dev"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a Triton server's HTTP API begins.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name or an address, IPv6 without its brackets.
        base: what stands before ``/v2``, with a leading slash and without a trailing one, or empty.
        access: what is brought to its door.
    """

    scheme: str
    host: str
    port: int
    base: str
    access: Access = field(default_factory=Access)

    @classmethod
    def from_url(cls, url: str, access: Access | None = None) -> Self:
        """Read a URL; without a scheme it is taken as http.

        Args:
            url: ``[http[s]://]HOST[:PORT][/BASE]``.
            access: what is brought to its door; without it nothing is.

        Raises:
            OptionError: names the URL and what is accepted.
        """
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            default_port = DEFAULT_PORTS[parts.scheme]
            port = default_port if parts.port is None else parts.port
        except (KeyError, ValueError):
            raise OptionError(f"{url!r} is no URL of a server; {ACCEPTED}") from None
        beyond = parts.query or parts.fragment or "@" in parts.netloc or any(map(str.isspace, url))
        if not parts.hostname or beyond:
            raise OptionError(f"{url!r} is no URL of a server; {ACCEPTED}")
        base = parts.path.rstrip("/")
        return cls(scheme=parts.scheme, host=parts.hostname, port=port, base=base, access=access or Access())

    @property
    def without_scheme(self) -> str:
        """``HOST:PORT[/BASE]``, as tritonclient and image_client want it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}{self.base}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.without_scheme}"
