import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import clients
from deploy.clients import Clients, change_clients
from deploy.errors import DeployError
from deploy.pulumi import stack as pulumi_stack
from deploy.pulumi.stack import PulumiStack
from infra.errors import ConfigError

ENDPOINT = "densenet-triton:endpoint"
SEALED = {"secure": "v1:abc"}


class Cli:
    """Pulumi's command line on a stack that it knows, and that has keys from elsewhere, too."""

    def __init__(self, *elsewhere: str) -> None:
        self.elsewhere = elsewhere
        self.commands: list[list[str]] = []
        self.inputs: list[str | None] = []

    def __call__(self, command: list[str], _environment: Any, *, input_text: str | None = None) -> str:
        self.commands.append(command[1:])
        self.inputs.append(input_text)
        if command[1:3] == ["stack", "ls"]:
            return json.dumps([{"name": "x"}])
        copy = Path(command[-2]) if command[-3] == "--config-file" else None
        values = yaml.safe_load(copy.read_text())["config"] if copy else {}
        endpoint = values.get(ENDPOINT) or {}
        found = endpoint | {"clients": endpoint.get("clients", {}) | dict.fromkeys(self.elsewhere, "key")}
        return json.dumps({ENDPOINT: {"value": json.dumps(found), "secret": True}} if ENDPOINT in values else {})

    @property
    def changes(self) -> list[list[str]]:
        return [command for command in self.commands if command[:2] in (["config", "set"], ["config", "rm"])]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Cli:
    made = Cli()
    monkeypatch.setattr(pulumi_stack, "output_of", made)
    return made


def stack_of(tmp_path: Path, *names: str, **keys: Any) -> PulumiStack:
    file = tmp_path / "Pulumi.x.yaml"
    endpoint = {"port": 80, "clients": dict.fromkeys(names, SEALED) | keys}
    file.write_text(yaml.safe_dump({"config": {ENDPOINT: endpoint}}))
    return PulumiStack(name="x", config_file=file, environment={"XDG_STATE_HOME": str(tmp_path / "state")})


@pytest.mark.parametrize(
    ("there", "path"),
    [
        ((), "endpoint.clients.alice"),
        (("alice",), 'endpoint.clients["alice.next"]'),
        (("alice.next",), "endpoint.clients.alice"),
        (("bob", "bob.next"), "endpoint.clients.alice"),
    ],
)
def test_a_key_is_made_for_the_name_that_is_free(
    tmp_path: Path, cli: Cli, capsys: pytest.CaptureFixture[str], there: tuple[str, ...], path: str
) -> None:
    stack = stack_of(tmp_path, *there)

    key = Clients(stack).add("alice")

    assert len(key) == 43, "256 bits"
    (command,) = cli.changes
    assert command[:6] == ["config", "set", "--path", "--secret", f"densenet-triton:{path}", "--stack=x"]
    assert command[6] == f"--config-file={stack.config_file}", "in the user's own file"
    assert cli.inputs[-1] == key, "it stands in no command line"
    assert not any(key in word for each in cli.commands for word in each)
    assert key not in capsys.readouterr().err


def test_two_keys_are_made_of_nothing_alike(tmp_path: Path, cli: Cli) -> None:
    assert Clients(stack_of(tmp_path)).add("alice") != Clients(stack_of(tmp_path)).add("alice")
    assert len(cli.changes) == 2


def test_there_is_no_third_key(tmp_path: Path, cli: Cli) -> None:
    with pytest.raises(DeployError) as caught:
        Clients(stack_of(tmp_path, "alice", "alice.next")).add("alice")
    assert str(caught.value) == (
        "alice and alice.next have keys; accepted: two keys a client; drop the one that alice uses no more:"
        " make client DROP=alice STACK=x, or DROP=alice.next"
    )
    assert cli.changes == []


def test_a_key_of_an_environment_counts(tmp_path: Path, cli: Cli) -> None:
    cli.elsewhere = ("alice",)
    Clients(stack_of(tmp_path)).add("alice")
    assert cli.changes[0][4] == 'densenet-triton:endpoint.clients["alice.next"]'


@pytest.mark.parametrize("name", ["alice", "alice.next"])
def test_a_key_that_stands_there_openly_is_replaced(tmp_path: Path, cli: Cli, name: str) -> None:
    Clients(stack_of(tmp_path, **{name: "open"})).add("alice")
    assert cli.changes[0][4].partition("clients")[2] in {".alice", '["alice.next"]'}
    assert ("next" in cli.changes[0][4]) == (name == "alice.next")


@pytest.mark.parametrize("name", ["Alice", "alice.next", "../x", "a b", "a:b", ".next"])
def test_a_name_is_one(tmp_path: Path, cli: Cli, name: str) -> None:
    with pytest.raises(DeployError, match=r"^ADD is '.*'; accepted: a DNS label"):
        Clients(stack_of(tmp_path)).add(name)
    assert cli.commands == []


@pytest.mark.parametrize(("name", "path"), [("alice", ".alice"), ("alice.next", '["alice.next"]')])
def test_one_key_is_dropped_and_the_other_left(tmp_path: Path, cli: Cli, name: str, path: str) -> None:
    stack = stack_of(tmp_path, "alice", "alice.next")

    Clients(stack).drop(name)

    assert [command[:4] for command in cli.changes] == [
        ["config", "rm", "--path", f"densenet-triton:endpoint.clients{path}"]
    ]


@pytest.mark.parametrize(
    ("there", "elsewhere", "is_last"),
    [(("alice",), (), True), (("alice", "alice.next"), (), False), (("alice",), ("bob",), False)],
)
def test_who_drops_the_last_key_is_told_that_the_door_is_open(
    tmp_path: Path,
    cli: Cli,
    capsys: pytest.CaptureFixture[str],
    there: tuple[str, ...],
    elsewhere: tuple[str, ...],
    *,
    is_last: bool,
) -> None:
    cli.elsewhere = elsewhere

    Clients(stack_of(tmp_path, *there)).drop("alice")

    assert len(cli.changes) == 1
    assert capsys.readouterr().err == (
        "alice was the last one with a key: from the next make up on everybody may ask; make client ADD=name STACK=x\n"
        if is_last
        else ""
    )


@pytest.mark.parametrize(("there", "accepted"), [((), "none yet"), (("alice", "bob.next"), "alice, bob.next")])
def test_who_is_not_there_cannot_be_dropped(tmp_path: Path, cli: Cli, there: tuple[str, ...], accepted: str) -> None:
    with pytest.raises(DeployError) as caught:
        Clients(stack_of(tmp_path, *there)).drop("carol")
    assert str(caught.value) == (
        f"DROP is 'carol', and Pulumi.x.yaml has no such key; accepted: {accepted}; make client ADD=name STACK=x"
    )
    assert cli.changes == []


def test_the_key_alone_is_on_standard_output(
    tmp_path: Path, cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack_of(tmp_path)
    monkeypatch.setattr(clients, "REPOSITORY", tmp_path)
    monkeypatch.setattr(clients, "_environment", lambda: dict(stack.environment))

    change_clients("x", add="alice")

    said = capsys.readouterr()
    assert said.out == f"{cli.inputs[-1]}\n"
    assert said.err == ("alice: a key in Pulumi.x.yaml, said here and never again\nnext: make up STACK=x\n")


@pytest.mark.parametrize("wanted", [{}, {"add": "a", "drop": "b"}])
def test_one_thing_is_done_at_a_time(wanted: dict[str, str]) -> None:
    with pytest.raises(DeployError, match="make client wants one of ADD and DROP; make client ADD=name STACK=x"):
        change_clients("x", **wanted)


def test_a_stack_without_a_file_is_told_before_anything_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "REPOSITORY", tmp_path)
    with pytest.raises(ConfigError, match="there is no such file"):
        change_clients("x", add="alice")
