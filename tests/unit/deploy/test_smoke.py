import contextlib
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from deploy import smoke
from deploy.authority import authority_file
from deploy.cluster import Cluster
from deploy.errors import DeployError, TurnedAwayError, UnreachedError
from deploy.smoke import prove
from infra.config import Cluster as ClusterConfig
from smoke_tests import access

OUTPUTS = {"url": "http://127.0.0.1:8800/dev", "modelName": "mug", "manifest": {}, "namespace": "triton-dev"}
SHA256 = "a" * 64
STACK = "dev"
KEYS = {"bob": SecretStr("key-of-bob"), "alice": SecretStr("key-of-alice"), "alice.next": SecretStr("another")}


def config_of(clients: Mapping[str, SecretStr] | None = None, **expect: Any) -> Any:
    """What of a stack's configuration the smoke tests are told."""
    expected: dict[str, Any] = {
        "image": Path("mug.png"),
        "class_": 504,
        "label": None,
        "top": (),
        "margin": 0.0,
        "other_image": None,
        "inception": False,
        "also": (),
    }
    cluster = ClusterConfig(context="c", namespace="triton-dev")
    model = SimpleNamespace(expect=SimpleNamespace(**expected | expect))
    return SimpleNamespace(cluster=cluster, model=model, endpoint=SimpleNamespace(timeout_s=90, clients=clients or {}))


@pytest.fixture(autouse=True)
def _a_state_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def cluster_of(config: Any, **environment: str) -> Cluster:
    state = {"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}
    return Cluster(config=config.cluster, environment=state | environment)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[str], Mapping[str, str]]]:
    """The commands that were run, each with its environment; all of them pass."""
    seen: list[tuple[Sequence[str], Mapping[str, str]]] = []

    def passed(command: Sequence[str], environment: Mapping[str, str]) -> int:
        seen.append((command, environment))
        return 0

    monkeypatch.setattr(smoke, "status_of", passed)
    monkeypatch.setattr(smoke, "replica_urls", lambda *_: contextlib.nullcontext(["http://127.0.0.1:40123"]))
    return seen


def options(command: Sequence[str]) -> list[tuple[str, str]]:
    """The options and their values, those of pytest and the manifest's scratch file left out."""
    flags = list(command)[command.index("--url") :]
    pairs = [(flag, value) for flag, value in itertools.pairwise([*flags, "--"]) if flag.startswith("--")]
    return [
        (flag, "" if value.startswith("--") else value)
        for flag, value in pairs
        if flag not in {"--manifest", "--reason-file", "--"}
    ]


def test_the_tests_start_no_threads_for_matrices_unless_the_user_says_so(
    runs: list[tuple[Sequence[str], Mapping[str, str]]],
) -> None:
    config = config_of()
    for own in ({}, {"OPENBLAS_NUM_THREADS": "2"}):
        prove(config, OUTPUTS, cluster_of(config, **own), stack=STACK)
    assert [environment["OPENBLAS_NUM_THREADS"] for _, environment in runs] == ["1", "2"]


def test_the_tests_are_told_all_that_is_expected(runs: list[tuple[Sequence[str], Mapping[str, str]]]) -> None:
    fetched = SimpleNamespace(url="https://example.org/cup.jpg?v=1", sha256=SHA256)
    config = config_of(
        label="COFFEE MUG",
        top=(504, 968),
        margin=0.5,
        other_image=Path("ball.png"),
        inception=True,
        also=(SimpleNamespace(image=fetched), SimpleNamespace(image=Path("pot.png"))),
    )
    outputs = OUTPUTS | {"maxBodyBytes": 1024.0, "jsonBodies": False}
    prove(config, outputs, cluster_of(config), stack=STACK)
    ((command, _),) = runs
    assert options(command) == [
        ("--url", "http://127.0.0.1:8800/dev"),
        ("--model", "mug"),
        ("--routed", ""),
        ("--image", "mug.png"),
        ("--image", f"https://example.org/cup.jpg?v=1#sha256={SHA256}"),
        ("--image", "pot.png"),
        ("--other-image", "ball.png"),
        ("--inception", ""),
        ("--expect-class", "504"),
        ("--expect-margin", "0.5"),
        ("--expect-label", "COFFEE MUG"),
        ("--expect-top", "504,968"),
        ("--max-body-bytes", "1024"),
        ("--replica-url", "http://127.0.0.1:40123"),
        ("--await-s", "90"),
    ]


def test_what_is_not_expected_is_not_asked(runs: list[tuple[Sequence[str], Mapping[str, str]]]) -> None:
    config = config_of()
    prove(config, OUTPUTS, cluster_of(config), stack=STACK)
    ((command, _),) = runs
    asked = {flag for flag, _ in options(command)}
    assert "--json-bodies" in asked  # of a program that did not say so yet
    assert asked.isdisjoint({"--other-image", "--inception", "--expect-label", "--expect-top", "--max-body-bytes"})


def test_door_is_asked_as_the_first_client_whose_key_stands_in_no_command_line(
    runs: list[tuple[Sequence[str], Mapping[str, str]]],
) -> None:
    config = config_of(clients=KEYS)
    prove(config, OUTPUTS, cluster_of(config), stack=STACK)
    ((command, environment),) = runs
    assert ("--client", "alice") in options(command)
    assert environment[smoke.KEY_VARIABLE] == "key-of-alice"
    assert "key-of-alice" not in " ".join(command)


def test_door_without_keys_is_asked_with_none_whatever_the_user_has_exported(
    runs: list[tuple[Sequence[str], Mapping[str, str]]],
) -> None:
    config = config_of()
    prove(config, OUTPUTS, cluster_of(config, **{smoke.KEY_VARIABLE: "of another stack"}), stack=STACK)
    ((command, environment),) = runs
    assert "--client" not in command
    assert smoke.KEY_VARIABLE not in environment


def test_the_tests_look_for_the_key_where_it_is_put() -> None:
    assert access.KEY_VARIABLE == smoke.KEY_VARIABLE


def test_the_authority_is_named_and_left_for_other_clients(
    runs: list[tuple[Sequence[str], Mapping[str, str]]],
) -> None:
    config = config_of()
    cluster = cluster_of(config)
    prove(config, OUTPUTS | {"certificateAuthority": "PEM"}, cluster, stack=STACK)
    ((command, _),) = runs
    left = authority_file(STACK, cluster.environment)
    assert left is not None
    assert ("--ca", str(left)) in options(command)
    assert left.read_text() == "PEM"

    prove(config, OUTPUTS, cluster, stack=STACK)  # the cluster does not tell
    assert ("--ca", str(left)) in options(runs[1][0])

    prove(config, OUTPUTS | {"certificateAuthority": None}, cluster, stack=STACK)
    assert "--ca" not in runs[2][0]
    assert authority_file(STACK, cluster.environment) is None


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (7, UnreachedError, "no such host"),
        (8, TurnedAwayError, "no such host"),
        (1, DeployError, "is deployed but does not answer rightly; its tests stand above"),
        (4, DeployError, "is deployed but does not answer rightly; its tests stand above"),
    ],
)
def test_what_was_found_is_one_of_three(
    monkeypatch: pytest.MonkeyPatch, status: int, error: type[DeployError], said: str
) -> None:
    def ended(command: Sequence[str], _environment: Mapping[str, str]) -> int:
        if status in {7, 8}:
            Path(command[command.index("--reason-file") + 1]).write_text("no such host")
        return status

    monkeypatch.setattr(smoke, "status_of", ended)
    monkeypatch.setattr(smoke, "replica_urls", lambda *_: contextlib.nullcontext([]))
    config = config_of()

    with pytest.raises(DeployError) as raised:
        prove(config, OUTPUTS, cluster_of(config), stack=STACK)

    assert type(raised.value) is error
    assert said in str(raised.value)
