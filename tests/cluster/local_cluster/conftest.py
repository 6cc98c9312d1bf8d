"""A pod that answers HTTP, behind a service and a route."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from local_cluster.image_archive import content_tag, image_from_program
from tests.cluster.driver import ClusterDriver, environment

_SERVE_FILES = ["proxy", "--address=0.0.0.0", "--port=8080", "--accept-hosts=.*", "--www=/etc", "--www-prefix=/files/"]


@pytest.fixture(scope="package")
def probe(cluster: ClusterDriver, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The ready pod's name. Its one program is kubectl: an HTTP server, and a client of the API server too."""
    program = Path(shutil.which("kubectl", path=environment()["PATH"]) or os.devnull)
    image = f"localhost/probe:{content_tag(program)}"
    archive = tmp_path_factory.mktemp("probe") / "probe.tar"
    archive.write_bytes(image_from_program(image, program, _SERVE_FILES))
    cluster.run("load", str(archive), "--ref", image)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=60s")  # what every pod runs as
    cluster.apply(*_objects(image, cluster.layout.gateway_port))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/probe", "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=Programmed", "gateway/probe", "--timeout=30s")
    return "probe"


def _objects(image: str, gateway_port: int) -> list[dict[str, Any]]:
    gateway_api = "gateway.networking.k8s.io/v1"
    named = {"name": "probe", "labels": {"app": "probe"}}
    container = {
        "name": "probe",
        "image": image,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/files/", "port": 8080}, "periodSeconds": 1},
    }
    listener = {"name": "web", "protocol": "HTTP", "port": gateway_port}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/files"}}],
        "backendRefs": [{"name": "probe", "port": 80}],
    }
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": {"containers": [container]}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": named,
            "spec": {"selector": {"app": "probe"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
        {
            "apiVersion": gateway_api,
            "kind": "Gateway",
            "metadata": named,
            "spec": {"gatewayClassName": "traefik", "listeners": [listener]},
        },
        {
            "apiVersion": gateway_api,
            "kind": "HTTPRoute",
            "metadata": named,
            "spec": {"parentRefs": [{"name": "probe"}], "rules": [rule]},
        },
    ]
