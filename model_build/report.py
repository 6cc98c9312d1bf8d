"""A plan's manifest in its ConfigMap, written and read inside the cluster with the Job's own token."""

import json
import os
import ssl
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from contract.manifest import Manifest, json_from_manifest
from contract.served import MANIFEST_FILE
from model_build.digest import sha256_of_bytes
from model_build.errors import ReportError

_TIMEOUT_S: Final = 30
_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True)
class ClusterApi:
    """How a pod reaches its cluster's API server."""

    url: str
    namespace: str
    token: str
    ca_file: Path


def cluster_api_from_pod(mount: Path = _SERVICE_ACCOUNT) -> ClusterApi:
    """Read what Kubernetes gives a pod with a service account.

    Raises:
        ReportError: this is no pod, or one without a mounted token.
    """
    try:
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        token, namespace = ((mount / name).read_text(encoding="utf-8").strip() for name in ("token", "namespace"))
    except KeyError as error:
        raise ReportError(f"--report works inside a pod only: {error} is not in the environment") from error
    except OSError as error:
        raise ReportError(f"--report needs the pod's service account: {error.filename}: {error.strerror}") from error
    host = f"[{host}]" if ":" in host else host
    return ClusterApi(url=f"https://{host}:{port}", namespace=namespace, token=token, ca_file=mount / "ca.crt")


def reported_sha256(config_map: str, api: ClusterApi) -> str | None:
    """Return the digest of the manifest that an earlier run of the Job has reported, None where none has.

    Raises:
        ReportError: the API server does not answer, or refuses; gives its reason.
    """
    failed = f"ConfigMap {config_map} in namespace {api.namespace} was not read"
    answer = _answer(Request(_url(config_map, api), headers=_authorization(api)), api, failed)  # noqa: S310  https
    manifest = (answer.get("data") or {}).get(MANIFEST_FILE)
    return None if manifest is None else sha256_of_bytes(manifest.encode())


def report_manifest(manifest: Manifest, config_map: str, api: ClusterApi) -> None:
    """Put the manifest, as compact JSON, under ``manifest.json`` in a ConfigMap that exists.

    Raises:
        ReportError: the API server does not answer, or refuses; gives its reason.
    """
    request = Request(  # noqa: S310  https, see ClusterApi
        _url(config_map, api),
        data=json.dumps({"data": {MANIFEST_FILE: json_from_manifest(manifest)}}).encode(),
        headers={**_authorization(api), "Content-Type": "application/merge-patch+json"},
        method="PATCH",
    )
    _answer(request, api, f"ConfigMap {config_map} in namespace {api.namespace} was not patched")


def _url(config_map: str, api: ClusterApi) -> str:
    return f"{api.url}/api/v1/namespaces/{api.namespace}/configmaps/{config_map}"


def _authorization(api: ClusterApi) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}"}


def _answer(request: Request, api: ClusterApi, failed: str) -> dict[str, Any]:
    """Ask the API server for an object, and say what has failed where it gives none."""
    try:
        context = ssl.create_default_context(cafile=str(api.ca_file))
        with urlopen(request, timeout=_TIMEOUT_S, context=context) as response:  # noqa: S310  https, see ClusterApi
            answer: dict[str, Any] = json.loads(response.read())
            return answer
    except HTTPError as error:
        raise ReportError(f"{failed}: {error.code} {_message(error)}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ReportError(f"{failed}: {api.url} does not answer: {error}") from error


def _message(error: HTTPError) -> str:
    """Return the API server's own words, which are a Status object's message."""
    try:
        return str(json.loads(error.read())["message"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return error.reason
