import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.errors import ImageError, ProgramMissingError
from deploy.images.registry import digest_in_registry

REFERENCE = "registry.example:5000/team/triton-cpu:0123456789abcdef"
DIGEST = f"sha256:{'d' * 64}"
PARSING = f'Error parsing image name \\"docker://{REFERENCE}\\": '
READING = f"{PARSING}reading manifest 0123456789abcdef in registry.example:5000/team/triton-cpu: "
PINGING = f'{PARSING}pinging container registry registry.example:5000: Get \\"https://registry.example:5000/v2/\\": '

# What skopeo 1.9.3 prints, answered by the registry that Debian has.
SKOPEO = """#!{python} -IS
import json, sys
answers = json.loads({answers!r})
status, said = answers[sys.argv[1]]
print(said if status == 0 else 'time="2026-11-28T06:20:45Z" level=fatal msg="' + said + '"',
      file=sys.stdout if status == 0 else sys.stderr)
sys.exit(status)
"""

Says = Callable[..., None]


@pytest.fixture
def skopeo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    monkeypatch.setenv("PATH", str(tmp_path))

    def says(inspect: tuple[int, str], login: tuple[int, str] = (1, "not logged into registry.example:5000")) -> None:
        program = tmp_path / "skopeo"
        answers = json.dumps({"inspect": inspect, "login": login})
        program.write_text(SKOPEO.format(python=sys.executable, answers=answers))
        program.chmod(0o755)

    return says


def test_the_registry_s_digest_is_told(skopeo: Says) -> None:
    skopeo((0, DIGEST))
    assert digest_in_registry(REFERENCE) == DIGEST


def test_what_is_not_there_has_none(skopeo: Says) -> None:
    skopeo((1, f"{READING}manifest unknown: manifest unknown"))
    assert digest_in_registry(REFERENCE) is None


def test_without_a_login_the_command_that_logs_in_is_said_before_anything_is_built(skopeo: Says) -> None:
    skopeo((1, f"{READING}unauthorized: authentication required"))
    with pytest.raises(ImageError) as told:
        digest_in_registry(REFERENCE)
    assert str(told.value) == (
        "registry registry.example:5000 wants a login, and there is none; accepted: one by skopeo, buildah, podman or "
        "docker, or the file that REGISTRY_AUTH_FILE names; skopeo login registry.example:5000"
    )


def test_with_a_login_the_push_has_the_last_word(skopeo: Says) -> None:
    """A registry may deny the sight of a repository that the first push will make."""
    skopeo((1, f"{READING}errors:\\ndenied: requested access to the resource is denied"), (0, "platform"))
    assert digest_in_registry(REFERENCE) is None


@pytest.mark.parametrize(
    "reason",
    [
        "dial tcp 127.0.0.1:9: connect: connection refused",
        "dial tcp: lookup registry.example on 10.0.0.1:53: no such host",
        "http: server gave HTTP response to HTTPS client",
    ],
)
def test_a_registry_that_is_not_reached_is_said_at_once(reason: str, skopeo: Says) -> None:
    skopeo((1, f"{PINGING}{reason}"))
    with pytest.raises(ImageError) as told:
        digest_in_registry(REFERENCE)
    assert str(told.value) == (
        "registry registry.example:5000 is not reached: pinging container registry registry.example:5000: Get "
        f'"https://registry.example:5000/v2/": {reason}'
    )


def test_an_authority_that_is_not_trusted_is_said_with_the_place_for_its_certificate(skopeo: Says) -> None:
    skopeo((1, f"{PINGING}x509: certificate signed by unknown authority"))
    with pytest.raises(
        ImageError,
        match=r"x509: .*; accepted: .*/etc/containers/certs\.d/registry\.example:5000/ca\.crt, or .*SSL_CERT",
    ):
        digest_in_registry(REFERENCE)


def test_without_skopeo_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissingError, match="skopeo"):
        digest_in_registry(REFERENCE)
