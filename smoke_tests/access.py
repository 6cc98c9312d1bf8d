"""What a client brings to a door: the authority that it trusts, its name and its key."""

import base64
import functools
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from smoke_tests.errors import NoAnswerError, OptionError, UntrustedError

KEY_VARIABLE = "DENSENET_TRITON_KEY"
"""A command line is everybody's to read; this variable has the key."""

_ACCEPTED_AUTHORITY = "accepted: a file with a certificate in PEM, of the authority that signed the URL's"
_NOT_OF_THIS_HOST = {62, 63, 64}  # of OpenSSL's X509_verify_cert: of another name, mail address, IP address
_OUT_OF_DATE = {9, 10}


@dataclass(frozen=True, kw_only=True)
class Access:
    """How a server is asked; replicas, which have no door, are asked with nothing.

    Attributes:
        authority: PEM file of the certificates that are trusted, and no others; None for those of the system.
        client: the client's name, if the door wants one.
        key: the client's.
    """

    authority: Path | None = None
    client: str | None = None
    key: str | None = field(default=None, repr=False)

    @classmethod
    def from_options(cls, authority: Path | None, client: str | None, environment: Mapping[str, str]) -> Self:
        """Read what the options and the environment say.

        Raises:
            OptionError: a file without a certificate; a name without a key, or the other way round.
        """
        key = environment.get(KEY_VARIABLE) or None
        if client is not None and key is None:
            raise OptionError(f"--client {client} has no key; accepted: with its key in the variable {KEY_VARIABLE}")
        if client is None and key is not None:
            raise OptionError(f"{KEY_VARIABLE} is set, and nobody is named; accepted: with --client, or: unset it")
        if client is not None and not _is_sendable(client, key or ""):
            raise OptionError(f"--client {client!r} or its key cannot be sent; accepted: ASCII, the name without a ':'")
        if authority is not None:
            _require_certificate(authority)
        return cls(authority=authority, client=client, key=key)

    @property
    def headers(self) -> dict[str, str]:
        """What every request says of who asks, as HTTP Basic; nothing for a client without a name."""
        if self.client is None or self.key is None:
            return {}
        return {"Authorization": f"Basic {base64.b64encode(f'{self.client}:{self.key}'.encode()).decode()}"}

    @property
    def context(self) -> ssl.SSLContext:
        """What a connection is made with: certificates are verified, and that they are of the host that was asked."""
        return _context(self.authority)

    def with_key(self, key: str) -> Self:
        """Return the same client with another key."""
        return replace(self, key=key)

    def without_key(self) -> Self:
        """Return a stranger who trusts the same authority."""
        return replace(self, client=None, key=None)


def no_answer_from(error: Exception, asked: str) -> NoAnswerError:
    """Say in words why no answer came over a connection, or why there was none.

    Args:
        error: what Python, or a library, raised.
        asked: the request and of whom.
    """
    if not isinstance(error, ssl.SSLCertVerificationError):
        said = f"no TLS, or it broke off: {error.reason or error}" if isinstance(error, ssl.SSLError) else str(error)
        return NoAnswerError(f"{asked}: {said or type(error).__name__}")
    said = error.verify_message.rstrip(".")
    if error.verify_code in _NOT_OF_THIS_HOST:
        return UntrustedError(f"{asked}: its certificate is of another name: {said}")
    if error.verify_code in _OUT_OF_DATE:
        return UntrustedError(f"{asked}: its certificate is out of date: {said}")
    return UntrustedError(f"{asked}: its certificate is not trusted: {said}; name the authority that signed it: --ca")


def _is_sendable(client: str, key: str) -> bool:
    return f"{client}{key}".isascii() and f"{client}{key}".isprintable() and ":" not in client


def _require_certificate(authority: Path) -> None:
    try:
        _context(authority)
    except ssl.SSLError:
        raise OptionError(f"--ca {authority} holds no certificate; {_ACCEPTED_AUTHORITY}") from None
    except OSError as error:
        raise OptionError(f"--ca {authority}: {error.strerror}; {_ACCEPTED_AUTHORITY}") from None


@functools.cache
def _context(authority: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)
