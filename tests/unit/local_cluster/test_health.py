import pytest

from local_cluster.health import ClusterHealth, ComponentHealth


def health(
    *, state: str = "RUNNING", node: str = "Ready", gateway_state: str = "Ready", policies: str = "Enforced"
) -> ClusterHealth:
    component = ComponentHealth(name="etcd", state=state, pid=42, uptime_s=3725, restarts=1)
    return ClusterHealth(
        name="embedded",
        components=(component,),
        node=node,
        gateway="http://127.0.0.1:8800",
        secure_gateway="https://127.0.0.1:8843",
        gateway_state=gateway_state,
        policies=policies,
        kubeconfig="/k",
    )


def test_all_well_is_healthy() -> None:
    assert health().is_healthy


@pytest.mark.parametrize(
    "fault", [{"state": "BACKOFF"}, {"node": "not yet"}, {"gateway_state": "not yet"}, {"policies": "not yet"}]
)
def test_any_fault_is_not_healthy(fault: dict[str, str]) -> None:
    assert not health(**fault).is_healthy


def test_the_table_is_for_people() -> None:
    assert health().table() == (
        "COMPONENT  STATE    PID  UPTIME  RESTARTS\n"
        "etcd       RUNNING  42   1h02m   1\n"
        "\n"
        "node       embedded (Ready)\n"
        "gateway    http://127.0.0.1:8800, https://127.0.0.1:8843 (Ready)\n"
        "policies   Enforced\n"
        "kubeconfig /k"
    )


def test_the_document_is_for_programs() -> None:
    document = health().document()

    assert document["healthy"] is True
    assert document["components"] == ({"name": "etcd", "state": "RUNNING", "pid": 42, "uptime_s": 3725, "restarts": 1},)
