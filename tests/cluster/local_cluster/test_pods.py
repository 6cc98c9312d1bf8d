import urllib.request

from tests.cluster.driver import ClusterDriver


def test_a_pod_reaches_the_api_server_by_the_services_address(cluster: ClusterDriver, probe: str) -> None:
    version = cluster.kubectl("exec", probe, "--", "/kubectl", "get", "--raw=/version")

    assert '"minor": "37"' in version


def test_a_pod_reaches_the_api_server_by_the_services_name(cluster: ClusterDriver, probe: str) -> None:
    token = cluster.kubectl("create", "token", "default").strip()
    authority = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

    answer = cluster.kubectl(
        *("exec", probe, "--", "/kubectl", "get", "--raw=/readyz"),
        *("--server=https://kubernetes.default.svc.cluster.local", f"--certificate-authority={authority}"),
        f"--token={token}",
    )

    assert answer == "ok"


def test_logs_are_readable(cluster: ClusterDriver, probe: str) -> None:
    assert "Starting to serve" in cluster.kubectl("logs", probe)


def test_the_gateway_routes_to_the_pod(cluster: ClusterDriver, probe: str) -> None:
    with urllib.request.urlopen(f"{cluster.layout.gateway_url}/files/", timeout=10) as answer:
        assert "resolv.conf" in answer.read().decode(), probe


def test_the_host_reaches_the_pod_by_the_services_address(cluster: ClusterDriver, probe: str) -> None:
    address = cluster.kubectl("get", "service", probe, "--output=jsonpath={.spec.clusterIP}")

    with urllib.request.urlopen(f"http://{address}/files/", timeout=10) as answer:
        assert answer.status == 200


def test_the_gateways_status_names_the_loopback_address(cluster: ClusterDriver, probe: str) -> None:
    status = cluster.kubectl("get", "gateway", probe, "--output=jsonpath={.status.addresses[0].value}")

    assert status == "127.0.0.1"
