"""A door with HTTPS and keys, as docs/clients.md says it: the page's own commands, on the embedded cluster."""

import base64
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.workspace import Workspace
from deploy.smoke import TRITON_PODS
from local_cluster.layout import layout_from_name
from smoke_tests.access import Access
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import SmokeTestError
from smoke_tests.wire import any_reply
from tests.cluster.driver import ClusterDriver
from tests.guest.page import CLIENTS, SHELL, block, groups

pytestmark = pytest.mark.long

STACK = "public"
NAMESPACE = f"triton-{STACK}"
MODEL = "/v2/models/efficientnet_lite0"


@dataclass(frozen=True)
class Reader:
    """Who has a shell in the clone and copies one block after the other into it."""

    workspace: Workspace
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *what: str) -> str:
        """Run blocks of the page, which must succeed; what they export is there for the next. Returns what they say."""
        left = self.workspace.folder.parent / "variables"
        lines = block(*what, page=CLIENTS)
        result = subprocess.run(
            [*SHELL, f'{lines}\nenv --null >"$0"', str(left)],
            cwd=self.workspace.folder,
            env=self.workspace.environment | self.variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert result.returncode == 0, f"{lines}\n{result.stdout}{result.stderr}"
        self.variables.update(pair.split("=", 1) for pair in left.read_text().split("\0") if pair)
        return result.stdout + result.stderr

    def endpoint(self, client: str | None = None, key: str | None = None) -> Endpoint:
        """The URL, as a client or as a stranger."""
        access = Access(authority=Path(self.variables["DENSENET_TRITON_CA"]), client=client, key=key)
        return Endpoint.from_url(self.variables["URL"], access)

    @property
    def alice(self) -> Endpoint:
        return self.endpoint("alice", self.variables["DENSENET_TRITON_KEY"])

    @property
    def alice_next(self) -> Endpoint:
        return self.endpoint("alice.next", self.variables["NEXT_KEY"])


@pytest.fixture(scope="module")
def reader(workspace: Workspace) -> Iterator[Reader]:
    """A reader whose stack has the page's endpoint, on this workspace's port and from its gateway's address."""
    endpoint = groups(CLIENTS)["densenet-triton:endpoint"]
    del endpoint["admit"]
    port = layout_from_name(workspace.cluster).secure_gateway_port
    workspace.write_stack(STACK, endpoint={**endpoint, "port": port, "acceptPlainHttp": False})
    yield Reader(workspace)
    workspace.make("destroy", f"STACK={STACK}")


@pytest.fixture(scope="module")
def cluster(workspace: Workspace) -> ClusterDriver:
    return ClusterDriver(workspace.cluster)


@contextmanager
def asking_all_along(endpoint: Endpoint) -> Iterator[list[str]]:
    """Ask again and again while the context lasts; gives what was not answered with 200."""
    failed: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.1):
            try:
                status = any_reply(endpoint, "GET", MODEL, timeout_s=10).status
            except SmokeTestError as error:
                failed.append(str(error))
            else:
                if status != 200:
                    failed.append(f"status {status}")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield failed
    finally:
        over.set()
        thread.join()


def status_for(endpoint: Endpoint, path: str = MODEL) -> int:
    return any_reply(endpoint, "GET", path, timeout_s=10).status


def inferences(cluster: ClusterDriver) -> str:
    """How many inferences the pods have counted, as they themselves say."""
    program = (
        "import os, urllib.request; url = 'http://127.0.0.1:8080/v2/models/efficientnet_lite0/stats'; "
        "asked = urllib.request.Request(url, headers={'restricted': os.environ['POD_UID']}); "
        "print(urllib.request.urlopen(asked).read().decode())"
    )
    return cluster.kubectl("exec", f"--namespace={NAMESPACE}", "deployment/triton", "--", "python3", "-c", program)


def test_make_up_proves_a_door_with_https_and_keys(reader: Reader) -> None:
    said = reader.run("names", "the first key")
    port = layout_from_name(reader.workspace.cluster).secure_gateway_port
    assert f"\nhttps://127.0.0.1:{port}/{NAMESPACE}\nImage '" in said
    assert "(504) = COFFEE MUG" in said
    assert len(reader.variables["DENSENET_TRITON_KEY"]) >= 43
    assert reader.variables["DENSENET_TRITON_KEY"] not in said


def test_the_authority_is_where_the_environment_says(reader: Reader) -> None:
    assert "subject=" in reader.run("the authority and the URL", "health")


def test_curl_and_the_python_client_get_the_mug(reader: Reader) -> None:
    assert "(504) = COFFEE MUG" in reader.run("python")
    assert ':504:COFFEE MUG"' in reader.run("curl", "curl with a picture")


def test_the_verdict_on_the_door_is_right(reader: Reader) -> None:
    said = reader.run("the verdict")
    assert "passed" in said
    assert "failed" not in said


def test_a_request_without_a_key_reaches_no_pod(reader: Reader, cluster: ClusterDriver) -> None:
    before = inferences(cluster)
    stranger = reader.endpoint()
    for endpoint in (stranger, reader.endpoint("alice", "x" * 43), reader.endpoint("mallory", "x" * 43)):
        assert [status_for(endpoint, path) for path in (MODEL, f"{MODEL}/config", f"{MODEL}/ready")] == [401] * 3
        assert any_reply(endpoint, "POST", f"{MODEL}/infer", timeout_s=10).status == 401
    assert inferences(cluster) == before

    cluster.kubectl("scale", f"--namespace={NAMESPACE}", "deployment/triton", "--replicas=0")
    selection = (f"--namespace={NAMESPACE}", f"--selector={TRITON_PODS}")
    cluster.kubectl("wait", "pods", *selection, "--for=delete", "--timeout=60s")
    assert status_for(stranger) == 401
    assert status_for(reader.alice) in {500, 503}  # only who is let in finds that nobody is there
    cluster.kubectl("scale", f"--namespace={NAMESPACE}", "deployment/triton", "--replicas=1")
    cluster.kubectl("rollout", "status", f"--namespace={NAMESPACE}", "deployment/triton", "--timeout=120s")


def test_keys_change_without_an_outage(reader: Reader) -> None:
    with asking_all_along(reader.alice) as failed:
        reader.run("the second key")
    assert failed == []
    assert [status_for(each) for each in (reader.alice, reader.alice_next)] == [200, 200]

    with asking_all_along(reader.alice_next) as failed:
        reader.run("the first key goes")
    assert failed == []
    assert [status_for(each) for each in (reader.alice, reader.alice_next)] == [401, 200]
    crossed = replace(reader.alice_next, access=replace(reader.alice_next.access, client="alice"))
    assert status_for(crossed) == 401


def test_keys_are_in_no_object_and_no_log(reader: Reader, cluster: ClusterDriver) -> None:
    kinds = "pods,deployments,replicasets,configmaps,secrets,jobs,events,httproutes,middlewares.traefik.io"
    found = cluster.kubectl("get", kinds, f"--namespace={NAMESPACE}", "--output=yaml")
    found += cluster.kubectl("logs", f"--namespace={NAMESPACE}", "deployment/triton", "--all-containers")
    logs = layout_from_name(reader.workspace.cluster).state.rglob("*.log*")
    found += "".join(path.read_text(errors="replace") for path in logs if path.is_file())
    for name, key in (("alice", reader.variables["DENSENET_TRITON_KEY"]), ("alice.next", reader.variables["NEXT_KEY"])):
        for form in (key, base64.b64encode(key.encode()).decode(), base64.b64encode(f"{name}:{key}".encode()).decode()):
            assert form not in found
