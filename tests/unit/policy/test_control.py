"""Triton's command line."""

from __future__ import annotations

import pytest

from infra.components.triton_pod import triton_arguments
from infra.config.serving import Serving
from policy.control import control_violations
from tests.unit.policy.objects import RESTRICTED, deployment

RIGHT = triton_arguments(Serving(image="triton-cpu"))


def found(*arguments: str) -> list[str]:
    return [violation.found for violation in control_violations(deployment(args=list(arguments)))]


def test_the_components_command_line_passes() -> None:
    assert found(*RIGHT) == []


@pytest.mark.parametrize("flag", ["--allow-grpc", "--allow-metrics", "--model-control-mode"])
def test_a_flag_that_is_missing_is_named(flag: str) -> None:
    assert found(*(argument for argument in RIGHT if not argument.startswith(flag))) == [f"{flag} is missing"]


@pytest.mark.parametrize("more", [["--model-control-mode=explicit"], ["--model-control-mode", "explicit"]])
def test_a_second_value_is_named(more: list[str]) -> None:
    assert found(*RIGHT, *more) == ["--model-control-mode is none and explicit"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("--allow-metric=true", "--allow-metrics is false and true"),
        ("--model-control=explicit", "--model-control-mode is none and explicit"),
        ("--allow-sagemaker=true", "--allow-sagemaker is true"),
        ("--allow-vertex=1", "--allow-vertex-ai is 1"),
    ],
)
def test_an_extra_argument_opens_nothing_by_a_shorter_name_or_another_door(more: str, what: str) -> None:
    """Triton's later flags override its earlier ones, and it takes a flag's beginning for the flag."""
    assert found(*RIGHT, more) == [what]


def test_an_extra_argument_that_opens_nothing_passes() -> None:
    assert found(*RIGHT, "--log-verbose=1", "--pinned-memory-pool-byte-size=0", "--allow-sagemaker=false") == []


@pytest.mark.parametrize("value", ["trace,logging:key=value", RESTRICTED])
def test_an_api_without_a_key_is_named(value: str) -> None:
    others = [argument for argument in RIGHT if not argument.startswith("--http-restricted-api")]
    assert "model-repository" in found(*others, f"--http-restricted-api={value}")[0]


def test_a_shell_hides_nothing() -> None:
    violations = list(
        control_violations(deployment(command=["sh", "-c"], args=["/opt/bin/tritonserver --http-port=80"]))
    )
    assert len(violations) == 4


def test_another_server_is_left_alone() -> None:
    assert list(control_violations(deployment(command=["nginx"], args=[]))) == []
