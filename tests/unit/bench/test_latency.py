from bench.latency import medians_s


def test_calls_are_timed_in_turn() -> None:
    order: list[str] = []

    medians = medians_s({"a": lambda: order.append("a"), "b": lambda: order.append("b")})

    assert order[:4] == ["a", "b", "a", "b"]
    assert order.count("a") == order.count("b")
    assert set(medians) == {"a", "b"}
