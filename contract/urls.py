"""URLs of models and pictures: quoted where people don't, and shown without what may be secret."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

from contract.errors import UrlError

SOURCE_URL_FILE = "source-url"
"""What the build reads the source's URL from, beside its other inputs: it may be secret, and comes as a Secret does."""

ACCEPTED = "https://host/file, or file:///path on a local cluster"
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_LOGIN_SAFE = "%:!$&'()*+,;=~"
_QUERY_SAFE = _PATH_SAFE + "?"
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def quoted_url(text: str, *, secret: bool = False) -> str:
    """Return a URL as it is sent: percent-encoded, and a host's name as DNS has it.

    Args:
        text: https or file; what is percent-encoded already stays so.
        secret: whether it is kept as a secret, so that one of https may carry a user and a password.

    Raises:
        UrlError: it is none, or carries a user and a password that would be seen; they are not shown.
    """
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname or "", url.port
    except ValueError:
        raise UrlError(f"is no URL; accepted: {ACCEPTED}") from None
    login, _, _ = url.netloc.rpartition("@")
    if login and not (secret and url.scheme == "https"):
        raise UrlError(
            "carries a user or a password, which everybody who sees the stack would see; accepted: a URL without, or "
            "the file staged on the storage as sources/<sha256>"
        )
    if url.scheme == "file":
        # a file's name may have a question mark and a hash; there is no query that it could begin
        path = _quoted(urlunsplit(url._replace(scheme="", netloc="")), _PATH_SAFE)
        if host not in {"", "localhost"} or not path.startswith("/") or path == "/":
            raise UrlError(f"is no URL of a file; accepted: {ACCEPTED}")
        return f"file://{path}"
    if url.scheme != "https" or not host or any(map(str.isspace, host)):
        raise UrlError(f"is no URL that is fetched; accepted: {ACCEPTED}")
    try:
        name = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise UrlError(f"has a host whose name is none; accepted: {ACCEPTED}") from None
    netloc = f"[{name}]" if ":" in name else name
    if port is not None:
        netloc = f"{netloc}:{port}"
    if login:
        netloc = f"{_quoted(login, _LOGIN_SAFE)}@{netloc}"
    path = _quoted(url.path, _PATH_SAFE)
    return urlunsplit((url.scheme, netloc, path or "/", _quoted(url.query, _QUERY_SAFE), ""))


def shown_url(url: str) -> str:
    """Return a URL without its user, password and query, in which signatures and tokens stand."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "a URL that is none"
    host = f"[{host}]" if ":" in host else host
    netloc = f"{host}:{port}" if port is not None else host
    return urlunsplit((parts.scheme, netloc, parts.path, "…" if parts.query else "", ""))


def _quoted(text: str, safe: str) -> str:
    """Percent-encode what is not yet; a percent sign that begins no code stands for itself."""
    return quote(_LONE_PERCENT.sub("%25", text), safe=safe)
