from typing import Any

import pytest

from gate.evidence.differences import differences


@pytest.mark.parametrize(
    ("previous", "candidate", "lines"),
    [
        ({"serving": {"replicas": 1}}, {"serving": {"replicas": 2}}, ("serving.replicas: 1 -> 2",)),
        ({"a": {"b": 1}, "c": "x"}, {"a": {"b": 1}, "c": "x"}, ()),
        ({"model": {}}, {"model": {"plan": "4962"}}, ("model.plan: nothing -> 4962",)),
        ({"model": {"plan": None}}, {"model": {}}, ("model.plan: null -> nothing",)),
        (
            {"gpu": None},
            {"gpu": {"product": "NVIDIA-L4"}},
            ("gpu: null -> nothing", "gpu.product: nothing -> NVIDIA-L4"),
        ),
        ({"nodes": ["a"]}, {"nodes": ["a", "b"]}, ('nodes: ["a"] -> ["a", "b"]',)),
        ({"z": 1, "a": 1}, {"z": 2, "a": 2}, ("a: 1 -> 2", "z: 1 -> 2")),
    ],
)
def test_each_key_that_differs_is_a_line(
    previous: dict[str, Any], candidate: dict[str, Any], lines: tuple[str, ...]
) -> None:
    assert differences(previous, candidate) == lines


def test_a_long_value_is_cut_and_stays_on_one_line() -> None:
    (line,) = differences({"labels": "a\nb"}, {"labels": "x" * 1000})
    assert line.startswith("labels: a b -> xxx")
    assert line.endswith("x…")
    assert len(line) < 250


def test_what_urls_may_hold_of_secrets_is_not_shown() -> None:
    (line,) = differences({"url": "https://h/m?sig=geheim"}, {"url": "https://u:geheim@h/other"})
    assert line == "url: https://h/m?… -> https://h/other"
