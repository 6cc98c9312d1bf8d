from pathlib import Path

import numpy as np

from bench.latency import Visitor, medians_s, triton_call
from tests.unit.smoke_tests.certificates import authority_in
from tests.unit.smoke_tests.stand_in import MODEL, StandIn, serving


def test_calls_are_timed_in_turn() -> None:
    order: list[str] = []

    medians = medians_s({"a": lambda: order.append("a"), "b": lambda: order.append("b")})

    assert order[:4] == ["a", "b", "a", "b"]
    assert order.count("a") == order.count("b")
    assert set(medians) == {"a", "b"}


def test_door_with_tls_and_keys_is_asked_as_a_client(tmp_path: Path) -> None:
    authority, tensor = authority_in(tmp_path), np.zeros((3, 224, 224), np.float32)
    visitor = Visitor(authority=authority.file, client="bench", key="its-key")
    guarded = StandIn(keys={"bench": "its-key"})

    with serving(guarded, authority.context()) as url:
        answer = triton_call(url, MODEL, tensor, visitor)()

    np.testing.assert_array_equal(np.asarray(answer), guarded.scores_of(tensor))
    assert "its-key" not in repr(visitor)
