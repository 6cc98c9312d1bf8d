"""HTTPS by the embedded cluster's own authority, at the stack that the story has deployed: only its way in changes."""

import base64
import json
import ssl
import urllib.request
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from bench.workspace import Workspace
from local_cluster import pki
from local_cluster.layout import layout_from_name
from tests.e2e.test_01_up import in_shown_environment


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect to the test."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def answer(url: str, authority: str | None = None) -> tuple[int, str | None]:
    """Status and redirect of what a URL answers to a client that trusts an authority; without it, public ones alone."""
    trusted = urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=authority))
    opener = urllib.request.build_opener(trusted, NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/v2/health/ready", timeout=10) as response:
            return response.status, None
    except HTTPError as error:
        with error:
            return error.code, error.headers["Location"]


def test_clients_that_trust_the_clusters_authority_come_in_and_plain_http_does_not(workspace: Workspace) -> None:
    layout = layout_from_name(workspace.cluster)
    port, plain_port = layout.secure_gateway_port, layout.gateway_port
    workspace.write_stack("first", endpoint={"port": port, "tls": {"local": True, "redirectPort": plain_port}})
    state = workspace.folder.parent / "state.json"
    commands = ("up --yes --skip-preview >&2", f"stack export --show-secrets --file {state}", "stack output --json")

    printed = in_shown_environment(workspace, "first", " && ".join(f"pulumi --non-interactive {it}" for it in commands))

    outputs = json.loads(printed)
    url, authority = f"https://127.0.0.1:{port}/triton-first", outputs["certificateAuthority"]
    assert outputs["url"] == url
    assert answer(url, authority) == (HTTPStatus.OK, None)
    with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
        answer(url)
    assert answer(url.replace("https:", "http:")) == (HTTPStatus.NOT_FOUND, None)
    redirected = (HTTPStatus.MOVED_PERMANENTLY, f"{url}/v2/health/ready")
    assert answer(f"http://127.0.0.1:{plain_port}/triton-first") == redirected
    key = pki.key_path(layout, pki.GATEWAY).read_bytes()
    forms = (base64.b64encode(key).decode(), key.decode().splitlines()[1])  # a Secret's, and a line of the PEM text
    assert not any(form in state.read_text() for form in forms), "the gateway's key is in Pulumi's state"
