"""Which gateway class can do what."""

from __future__ import annotations

import pytest

from infra.config.gateway_classes import Feature, classes_that_enforce, enforces


@pytest.mark.parametrize("feature", list(Feature))
def test_traefik_does_it_all(feature: Feature) -> None:
    assert enforces("traefik", feature)


@pytest.mark.parametrize("name", [None, "", "nginx", "Traefik"])
def test_of_any_other_class_nothing_is_known(name: str | None) -> None:
    assert not any(enforces(name, feature) for feature in Feature)


def test_envoys_match_headers_and_have_no_limits() -> None:
    assert enforces("eg", Feature.HEADER_EXPRESSIONS)
    assert not enforces("eg", Feature.BODY_LIMIT)
    assert classes_that_enforce(Feature.HEADER_EXPRESSIONS) == "eg, istio, traefik"
    assert classes_that_enforce(Feature.KEYS) == "traefik"
