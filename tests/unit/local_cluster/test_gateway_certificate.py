import base64
import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from local_cluster import pki
from local_cluster.errors import ProgramError
from local_cluster.gateway_certificate import publish_certificate
from local_cluster.kube_api import ApiError
from local_cluster.layout import Layout

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
SECRET = "/api/v1/namespaces/kube-system/secrets/gateway-certificate"  # noqa: S105 - a place, not a password
CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/gateway-authority"


class FakeApi:
    """An API server that keeps what it is given, and remembers the names of that."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.applied: list[str] = []
        self.refusal = ""

    def get(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise ApiError(f"the API server answers 404 to {path}")
        return self.objects[path]

    def apply_objects(self, *objects: Mapping[str, Any]) -> None:
        if self.refusal:
            raise ProgramError(self.refusal)
        for each in objects:
            name = each["metadata"]["name"]
            self.objects[f"/api/v1/namespaces/kube-system/{each['kind'].lower()}s/{name}"] = dict(each)
            self.applied.append(name)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


def published(layout: Layout, api: FakeApi, now: dt.datetime = NOW) -> list[str]:
    """Publish, and return the names of what was written."""
    pki.ensure_pki(layout, now=now)
    api.applied.clear()
    assert publish_certificate(layout, api) is None  # type: ignore[arg-type]
    return list(api.applied)


def test_a_gateway_finds_certificate_and_key_and_everybody_the_authority(layout: Layout, api: FakeApi) -> None:
    published(layout, api)

    secret = api.objects[SECRET]
    assert secret["type"] == "kubernetes.io/tls"
    files = {"tls.crt": "gateway.crt", "tls.key": "gateway.key", "ca.crt": "gateway-ca.crt"}
    assert {name: base64.b64decode(text) for name, text in secret["data"].items()} == {
        name: (layout.pki / file).read_bytes() for name, file in files.items()
    }
    assert api.objects[CONFIG_MAP]["data"] == {"ca.crt": (layout.pki / "gateway-ca.crt").read_text()}


def test_what_is_there_as_it_should_be_is_not_written_again(layout: Layout, api: FakeApi) -> None:
    assert published(layout, api) == ["gateway-certificate", "gateway-authority"]
    assert published(layout, api) == []


def test_a_renewed_certificate_is_published_and_its_authority_stays(layout: Layout, api: FakeApi) -> None:
    published(layout, api)

    assert published(layout, api, NOW + dt.timedelta(days=pki.CERTIFICATE_DAYS - 30)) == ["gateway-certificate"]


@pytest.mark.parametrize("lost", [SECRET, CONFIG_MAP])
def test_what_somebody_has_deleted_is_put_back(layout: Layout, api: FakeApi, lost: str) -> None:
    published(layout, api)
    del api.objects[lost]

    assert published(layout, api) == [lost.rpartition("/")[2]]


def test_what_keeps_it_from_being_published_is_a_reason_to_wait_on(layout: Layout, api: FakeApi) -> None:
    pki.ensure_pki(layout, now=NOW)
    api.refusal = 'namespaces "kube-system" not found'

    assert publish_certificate(layout, api) == 'namespaces "kube-system" not found'  # type: ignore[arg-type]
