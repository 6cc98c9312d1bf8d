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
