from typing import Any

from deploy.waits.reasons.reason import LATER_S
from deploy.waits.reasons.routes import route_reasons
from tests.unit.deploy.waits.reasons.recorded import NAMESPACE, thing


def condition(kind: str, status: str, reason: str, message: str = "", generation: int = 1) -> dict[str, Any]:
    return {
        "type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": generation,
    }  # fmt: skip


def gateway(*conditions: dict[str, Any], listeners: tuple[dict[str, Any], ...] = (), generation: int = 1) -> Any:
    status = {"conditions": [*conditions], "listeners": [{"name": "http", "conditions": [*listeners]}]}
    return thing("Gateway", "triton", status, metadata={"generation": generation}, spec={"gatewayClassName": "traefik"})


def test_a_listener_that_has_no_port_says_so() -> None:
    words = 'no matching entryPoint for port 9 and protocol "HTTP"'
    found = list(
        route_reasons(
            [
                gateway(
                    condition("Accepted", "False", "ListenersNotValid", "All Listeners must be valid"),
                    listeners=(condition("Accepted", "False", "PortUnavailable", words),),
                )
            ]
        )
    )

    assert [(each.where, each.why, each.patience_s) for each in found] == [
        ("Gateway triton", f"Accepted: PortUnavailable: {words}", LATER_S),
        ("Gateway triton", "Accepted: ListenersNotValid: All Listeners must be valid", LATER_S),
    ]


def test_an_address_that_is_to_come_is_waited_for() -> None:
    found = list(route_reasons([gateway(condition("Programmed", "False", "AddressNotAssigned", "no address yet"))]))

    assert [each.patience_s for each in found] == [None]


def test_a_gateway_that_is_up_needs_no_reason() -> None:
    up = gateway(condition("Programmed", "True", "Programmed"), listeners=(condition("Conflicted", "False", "No"),))

    assert list(route_reasons([up])) == []


def test_what_was_said_of_an_older_gateway_is_not_told() -> None:
    assert list(route_reasons([gateway(condition("Accepted", "False", "Invalid"), generation=2)])) == []


def test_a_class_without_a_controller_is_named() -> None:
    waits = {"type": "Accepted", "status": "Unknown", "reason": "Pending", "message": "Waiting for controller"}

    assert [each.why for each in route_reasons([gateway(waits)])] == [
        "no controller has taken it up; its class is traefik"
    ]


def test_a_route_without_its_backend_says_so() -> None:
    words = 'Cannot load HTTPBackendRef: service "nosuch" not found'
    parents = [{"conditions": [condition("ResolvedRefs", "False", "InvalidKind", words)]}]

    assert [each.line for each in route_reasons([thing("HTTPRoute", "triton", {"parents": parents})])] == [
        f"HTTPRoute triton: ResolvedRefs: InvalidKind: {words}"
    ]
    assert [each.why for each in route_reasons([thing("HTTPRoute", "triton")])] == ["no controller has taken it up"]


MISSING = "Error while retrieving certificate: getting secret: secret triton/mine not found"
WITHOUT_CERTIFICATE = (
    condition("ResolvedRefs", "False", "InvalidCertificateRef", MISSING),
    condition("Programmed", "False", "Invalid", MISSING),
)
NOT_ACCEPTED = condition("Accepted", "False", "ListenersNotValid", "All Listeners must be valid")
OF_NO_LISTENER = thing(
    "HTTPRoute", "triton", {"parents": [{"conditions": [condition("Accepted", "False", "NoMatchingParent")]}]}
)


def test_a_certificate_that_is_not_there_is_named_with_the_key_that_means_it() -> None:
    found = list(route_reasons([gateway(NOT_ACCEPTED, listeners=WITHOUT_CERTIFICATE), OF_NO_LISTENER]))

    assert found[0].line == (
        f"Gateway triton: ResolvedRefs: InvalidCertificateRef: {MISSING}; "
        "endpoint.tls.secret names a Secret of type kubernetes.io/tls in the stack's namespace"
    )
    assert {each.patience_s for each in found} == {LATER_S}


def test_a_certificate_that_cert_manager_makes_is_waited_for() -> None:
    waiting = gateway(NOT_ACCEPTED, listeners=WITHOUT_CERTIFICATE)
    waiting["metadata"]["annotations"] = {"cert-manager.io/cluster-issuer": "letsencrypt"}
    found = list(route_reasons([OF_NO_LISTENER, waiting]))

    assert len(found) == 4
    assert {each.patience_s for each in found} == {None}
    assert found[1].line.endswith(f"; cert-manager makes it: kubectl describe certificates --namespace={NAMESPACE}")


def test_what_cert_manager_does_not_mend_is_not_waited_for() -> None:
    other = gateway(listeners=(condition("Accepted", "False", "PortUnavailable", "no entryPoint"),))
    other["metadata"]["annotations"] = {"cert-manager.io/issuer": "letsencrypt"}

    assert [each.patience_s for each in route_reasons([other])] == [LATER_S]
