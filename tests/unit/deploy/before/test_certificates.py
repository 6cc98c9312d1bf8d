"""The Secret with the certificate is looked at before anything changes, and what is wrong is one line with its cure."""

import base64
import datetime as dt
from typing import Any

import pytest

from deploy.before.certificates import require_certificate
from deploy.errors import DeployError
from infra.config import REPOSITORY, StackConfig, config_from_yaml
from tests.authorities import NOW, Pair, pair
from tests.unit.deploy.stand_in import StandIn

HOST = "mug.example.org"
ROOT = pair("root", days=3650)
OWN = pair("own", HOST, by=ROOT)
KUBECTL = "kubectl --context=prod"
CREATED = f"{KUBECTL} create secret tls mine --namespace=triton --cert=CHAIN.pem --key=KEY.pem"
REPLACED = f"{CREATED} --dry-run=client --output=yaml | {KUBECTL} replace --filename=-"
PLACE = "endpoint.tls.secret: Secret mine in namespace triton"
ADDRESSES = "gateways.gateway.networking.k8s.io/triton"


def config(tls: dict[str, Any] | None, *, context: str = "prod", hostname: str | None = HOST) -> StackConfig:
    found = config_from_yaml(REPOSITORY / "Pulumi.dev.yaml")
    endpoint = type(found.endpoint).model_validate({"gatewayClass": "istio", "tls": tls, "hostname": hostname})
    cluster = type(found.cluster).model_validate({"context": context, "namespace": "triton"})
    return StackConfig(**(vars(found) | {"endpoint": endpoint, "cluster": cluster}))


def secret(own: Pair = OWN, *, kind: str = "kubernetes.io/tls") -> dict[str, Any]:
    files = {"tls.crt": own.pem + ROOT.pem, "tls.key": own.key_pem(), "ca.crt": ROOT.pem}
    data = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return {"metadata": {"name": "mine"}, "type": kind, "data": data}


class Cluster(StandIn):
    """A cluster with objects, and with addresses of the stack's Gateway."""

    def __init__(self, *objects: dict[str, Any], addresses: str = "", **more: Any) -> None:
        super().__init__({f"secret {each['metadata']['name']}": each for each in objects}, **more)
        self.addresses = addresses

    def kubectl(self, verb: str, *arguments: str) -> str:
        if arguments[0] == ADDRESSES:
            return self.addresses
        return super().kubectl(verb, *arguments)


def refusal(found: StackConfig, cluster: StandIn) -> str:
    with pytest.raises(DeployError) as raised:
        require_certificate(found, cluster, now=NOW)  # type: ignore[arg-type]
    (line,) = str(raised.value).splitlines()
    return line


def said(
    found: StackConfig, cluster: StandIn, capsys: pytest.CaptureFixture[str], *, now: dt.datetime = NOW
) -> list[str]:
    require_certificate(found, cluster, now=now)  # type: ignore[arg-type]
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("tls", [None, {"local": True}])
def test_nothing_is_asked_where_no_secret_is_named(tls: dict[str, Any] | None) -> None:
    cluster = Cluster()
    require_certificate(config(tls), cluster)  # type: ignore[arg-type]
    assert cluster.asked == []


def test_a_good_one_passes_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(config({"secret": "mine"}), Cluster(secret()), capsys) == []


def test_one_that_is_not_there_is_made_by_a_command() -> None:
    there = Cluster()
    there._objects["namespace triton"] = {"metadata": {}}  # noqa: SLF001 - a stand-in of ours
    assert refusal(config({"secret": "mine"}), there) == (
        f"{PLACE} is not there; accepted: one of type kubernetes.io/tls; {CREATED}"
    )


def test_before_the_first_deployment_the_namespace_is_made_as_the_stacks_own() -> None:
    line = refusal(config({"secret": "mine"}), Cluster())
    owned = f"{KUBECTL} annotate namespace triton densenet-triton/stack=dev"
    assert line.endswith(f"; {KUBECTL} create namespace triton && {owned} && {CREATED}")


def test_where_namespaces_can_t_be_read_the_secrets_command_is_told_alone() -> None:
    assert refusal(config({"secret": "mine"}), Cluster(forbidden=("namespace",))).endswith(f"tls; {CREATED}")


def test_what_this_user_may_not_read_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(secret(), forbidden=("secret",))
    assert said(config({"secret": "mine"}), cluster, capsys) == [
        f"unknown: {PLACE} can't be read: this user may not; going on"
    ]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (secret(kind="Opaque"), "is of type Opaque; accepted: kubernetes.io/tls"),
        (secret() | {"data": {}}, "has no certificate in tls.crt; accepted: PEM, the server's own first, then whoever"),
        (secret() | {"data": {"tls.crt": "?"}}, "has no certificate in tls.crt"),
        (secret() | {"data": None}, "has no certificate in tls.crt"),
        (secret(pair("own", "else.example.org", by=ROOT)), f"is for else.example.org, and the URL has {HOST}"),
        (secret(pair("own", HOST, by=ROOT, days=30)), "has certificate CN=own, which ended on 2030-06-01"),
    ],
)
def test_one_that_will_not_do_is_replaced_by_a_command(found: dict[str, Any], why: str) -> None:
    line = refusal(config({"secret": "mine"}), Cluster(found))
    assert line.startswith(f"{PLACE} {why}")
    assert line.endswith(f"; {REPLACED}")


@pytest.mark.parametrize(
    ("context", "addresses", "why"),
    [
        ("prod", "10.0.0.1 10.0.0.2", f"{PLACE} is for {HOST}, and the URL has 10.0.0.1 or 10.0.0.2; accepted: a"),
        ("embedded-x", "", f"{PLACE} is for {HOST}, and the URL has 127.0.0.1; accepted: a certificate for that"),
    ],
)
def test_without_a_host_name_it_is_for_the_gateways_address(context: str, addresses: str, why: str) -> None:
    found = config({"secret": "mine"}, context=context, hostname=None)
    assert refusal(found, Cluster(secret(), addresses=addresses)).startswith(why)
    require_certificate(
        found,
        Cluster(secret(pair("own", "10.0.0.2", "127.0.0.1", by=ROOT)), addresses=addresses),  # type: ignore[arg-type]
        now=NOW,
    )


def test_an_address_that_is_not_known_yet_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(config({"secret": "mine"}, hostname=None), Cluster(secret()), capsys) == []


@pytest.mark.parametrize(("days", "is_said"), [(43.9, True), (44, False)])
def test_one_that_ends_soon_is_told(days: float, capsys: pytest.CaptureFixture[str], *, is_said: bool) -> None:
    found = Cluster(secret(pair("own", HOST, by=ROOT, days=days)))
    assert said(config({"secret": "mine"}), found, capsys) == (
        [f"{PLACE} ends on 2030-06-14, in 13 days; renew it: {REPLACED}"] if is_said else []
    )


ISSUED = {"secret": "mine", "issuer": "letsencrypt"}


def test_what_cert_manager_makes_may_come_later_or_be_for_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(config(ISSUED), Cluster(), capsys) == []
    assert said(config(ISSUED), Cluster(secret(pair("own", "old.example.org", by=ROOT))), capsys) == []


def test_what_cert_manager_has_not_renewed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    asked = f"{KUBECTL} describe certificate mine --namespace=triton"
    assert said(config(ISSUED), Cluster(secret()), capsys, now=NOW + dt.timedelta(days=60)) == [
        f"{PLACE} ended on 2030-07-31, and cert-manager has not renewed it; {asked}"
    ]
