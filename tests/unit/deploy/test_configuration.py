import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import configuration
from deploy.configuration import plain_values, pulumi_path, secret_values, values_as_pulumi_reads, write_values
from deploy.errors import CommandFailedError, DeployError, ProgramMissingError
from deploy.pulumi import stack as pulumi_stack
from deploy.pulumi.stack import PulumiStack
from infra.errors import ConfigError

MODEL = "densenet-triton:model"
SECRET = "https://h/m?sig=geheim"  # noqa: S105 - of the tests
PLAIN = {MODEL: {"name": "m"}}
SEALED = {MODEL: {"name": "m", "source": {"kind": "onnx", "url": {"secure": "v1:abc"}}}}
DECRYPTED = {MODEL: {"name": "m", "source": {"kind": "onnx", "url": SECRET}}}


class Cli:
    """Pulumi's command line, which knows no stack until one is made."""

    def __init__(self, values: dict[str, Any], *, secret: bool, known: bool = True, missing: bool = False) -> None:
        self.values, self.secret, self.known, self.missing = values, secret, known, missing
        self.commands: list[list[str]] = []
        self.inputs: list[str | None] = []

    def __call__(self, command: list[str], _environment: Any, *, input_text: str | None = None) -> str:
        self.commands.append(command[1:])
        self.inputs.append(input_text)
        if self.missing:
            raise ProgramMissingError("pulumi is not on PATH")
        if command[1:3] == ["stack", "init"]:
            self.known = True
        if command[1:3] == ["stack", "ls"]:
            return json.dumps([{"name": "x"}] if self.known else [])
        if command[1] == "config" and not self.known:
            raise CommandFailedError("'pulumi config' ended with status 6: error: no stack named 'x' found")
        entries = {key: {"value": json.dumps(value), "secret": self.secret} for key, value in self.values.items()}
        return json.dumps(entries)


def stack_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli, file: dict[str, Any], **more: Any
) -> PulumiStack:
    monkeypatch.setattr(pulumi_stack, "output_of", cli)
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(yaml.safe_dump({"config": file, **more}))
    return PulumiStack(name="x", config_file=path, environment={"XDG_STATE_HOME": str(tmp_path / "state")})


def test_values_are_those_that_pulumi_has_decrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = Cli(DECRYPTED | {"other:key": "text"}, secret=True)
    stack = stack_with(tmp_path, monkeypatch, cli, SEALED)

    found = values_as_pulumi_reads(stack)

    assert found.values == DECRYPTED | {"other:key": "text"}
    assert (found.secrets, secret_values(found)) == (("model.source.url",), {"model.source.url": SECRET})
    assert [command[0] for command in cli.commands] == ["config"]
    copy = tmp_path / "state" / "densenet-triton" / "config" / "Pulumi.x.yaml"
    assert cli.commands[0][-3:] == ["--config-file", str(copy), "--non-interactive"]


@pytest.mark.parametrize("reason", [{"known": False}, {"missing": True}])
def test_a_plain_file_speaks_for_itself_where_pulumi_or_the_stack_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: dict[str, bool]
) -> None:
    cli = Cli({}, secret=False, **reason)

    assert values_as_pulumi_reads(stack_with(tmp_path, monkeypatch, cli, PLAIN)).values == PLAIN
    assert [command[0] for command in cli.commands] == ["config"], "no stack is made for it"


def test_a_stack_whose_file_is_not_plain_is_made_known_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = Cli(DECRYPTED, secret=True, known=False)

    assert values_as_pulumi_reads(stack_with(tmp_path, monkeypatch, cli, SEALED)).values == DECRYPTED
    assert [command[:2] for command in cli.commands[1:3]] == [["stack", "ls"], ["stack", "init"]]


def test_without_pulumi_nobody_knows_what_is_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramMissingError):
        values_as_pulumi_reads(stack_with(tmp_path, monkeypatch, Cli({}, secret=True, missing=True), SEALED))


def test_why_pulumi_cannot_read_it_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise CommandFailedError("'pulumi config' ended with status 255: error: incorrect passphrase")

    stack = stack_with(tmp_path, monkeypatch, Cli({}, secret=True), SEALED)
    monkeypatch.setattr(pulumi_stack, "output_of", refuse)

    with pytest.raises(DeployError, match=r"^Pulumi\.x\.yaml can't be read: .* incorrect passphrase; mend") as caught:
        values_as_pulumi_reads(stack)
    assert "\n" not in str(caught.value)


def test_only_a_plain_file_is_read_without_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli = Cli({}, secret=False)
    plain = plain_values(stack_with(tmp_path, monkeypatch, cli, PLAIN).config_file)
    assert plain is not None
    assert plain.values == PLAIN
    assert plain_values(stack_with(tmp_path, monkeypatch, cli, SEALED).config_file) is None
    assert plain_values(stack_with(tmp_path, monkeypatch, cli, PLAIN, environment=["e"]).config_file) is None
    with pytest.raises(ConfigError, match="there is no such file"):
        plain_values(tmp_path / "Pulumi.nobody.yaml")


def test_a_file_is_written_with_its_secrets_encrypted_and_for_this_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = Cli({}, secret=True)
    stack = stack_with(tmp_path, monkeypatch, cli, SEALED, encryptionsalt="v1:salt")
    file = tmp_path / "written.yaml"
    file.write_text("what was there")

    write_values(file, DECRYPTED, {"model.source.url": SECRET}, lambda: stack)

    assert yaml.safe_load(file.read_text()) == {
        "encryptionsalt": "v1:salt",
        "config": {MODEL: {"name": "m", "source": {"kind": "onnx"}}},
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli.inputs == [SECRET], "it stands in no command line, which every user of the machine can see"
    assert cli.commands[0][:5] == ["config", "set", "--path", "--secret", f"{MODEL}.source.url"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("model.source.url", "densenet-triton:model.source.url"),
        ("endpoint.clients.alice", "densenet-triton:endpoint.clients.alice"),
        ("endpoint.clients.alice.next", 'densenet-triton:endpoint.clients["alice.next"]'),
    ],
)
def test_a_name_with_a_dot_is_one_part_for_pulumi_too(name: str, path: str) -> None:
    assert pulumi_path(name) == path


def test_without_secrets_pulumi_is_not_asked(tmp_path: Path) -> None:
    def nobody() -> PulumiStack:
        raise AssertionError

    write_values(tmp_path / "written.yaml", PLAIN, {}, nobody)

    assert configuration.document_from_file(tmp_path / "written.yaml") == {"config": PLAIN}
