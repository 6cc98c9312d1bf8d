"""What lies in a registry, asked by skopeo with the login and the certificates that it finds for the user."""

import os
import re

from deploy.commands import output_of
from deploy.errors import CommandFailedError, ImageError
from tools.privileges import home_of_process

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MESSAGE = re.compile(r'msg="(?:Error parsing image name \S+: )?(?P<text>.*)"$')
_UNREACHED = re.compile(r"dial tcp|x509:|gave HTTP response|timeout|deadline exceeded|did not answer")
_UNTRUSTED = "x509:"
_REFUSED = re.compile(r"unauthorized|denied|forbidden|no basic auth credentials", re.IGNORECASE)
_PATIENCE_S = 60


def digest_in_registry(reference: str) -> str | None:
    """Return the digest that an image has in its registry; None where it is not there, or that could not be learnt.

    Some registries answer for a repository that a first push will make as if its reader had no rights: whoever has a
    login goes on, and the push itself has the last word.

    Args:
        reference: with the registry's host.

    Raises:
        ImageError: the registry is not reached, or wants a login and there is none, so that a push would fail too.
        ProgramMissingError: skopeo is not on PATH.
    """
    host = reference.partition("/")[0]
    try:
        said = _skopeo("inspect", "--no-tags", "--format={{.Digest}}", f"docker://{reference}").strip()
    except CommandFailedError as error:
        reason = _message(error)
        if _UNREACHED.search(reason):
            mend = f"; {_trust(host)}" if _UNTRUSTED in reason else ""
            raise ImageError(f"registry {host} is not reached: {reason}{mend}") from error
        if _REFUSED.search(reason) and not _has_login(host):
            raise ImageError(
                f"registry {host} wants a login, and there is none; accepted: one by skopeo, buildah, podman or "
                f"docker, or the file that REGISTRY_AUTH_FILE names; {login_command(host)}"
            ) from error
        return None
    return said if _DIGEST.fullmatch(said) else None


def login_command(host: str) -> str:
    """Return the command by which this process's user logs in; under sudo that is root."""
    return f"{'sudo ' if home_of_process() else ''}skopeo login {host}"


def _trust(host: str) -> str:
    return (
        "accepted: an authority that this machine trusts; put its certificate into "
        f"/etc/containers/certs.d/{host}/ca.crt, or name it in SSL_CERT_FILE"
    )


def _has_login(host: str) -> bool:
    try:
        _skopeo("login", "--get-login", host)
    except CommandFailedError:
        return False
    return True


def _skopeo(*arguments: str) -> str:
    return output_of(("skopeo", *arguments), {**os.environ, **home_of_process()}, timeout_s=_PATIENCE_S)


def _message(error: CommandFailedError) -> str:
    """What skopeo says, out of its log's line."""
    found = _MESSAGE.search(str(error))
    return found["text"].replace('\\"', '"') if found else str(error)
