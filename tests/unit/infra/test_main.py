"""What Pulumi runs, and how it ends when the configuration has faults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared


def hand_over(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({key: json.dumps(value) for key, value in values.items()}))


def test_every_fault_is_an_error_line_and_nothing_is_declared(
    declare: Callable[[Callable[[], Any]], Declared], dev_values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    dev_values["densenet-triton:serving"] |= {"replicas": 0, "replicsa": 1}
    hand_over(dev_values, monkeypatch)
    monkeypatch.setattr(pulumi.log, "error", lines.append)

    def ended() -> None:
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 32

    assert declare(ended).resources == []
    assert [line.split()[1] for line in lines] == [
        "densenet-triton:serving.replicas",
        "densenet-triton:serving.replicsa",
    ]


def test_outputs_are_exported(
    declare: Callable[[Callable[[], Any]], Declared], dev_values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: dict[str, Any] = {}
    hand_over(dev_values, monkeypatch)
    monkeypatch.setattr(pulumi, "export", exported.__setitem__)
    declare(main)
    assert list(exported) == [
        *("url", "modelName", "planId", "manifest", "namespace", "maxBodyBytes", "jsonBodies"),
        *("clients", "certificateAuthority"),
    ]
