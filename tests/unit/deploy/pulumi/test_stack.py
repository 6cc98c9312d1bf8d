import json
import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import CommandFailedError, DeployError
from deploy.pulumi import stack as pulumi_stack
from deploy.pulumi.stack import PulumiStack
from infra.config import Cluster as ClusterConfig
from tests.unit.deploy.pulumi.test_locks import dead_pid, lock_of
from tests.unit.deploy.stand_in import resource, state_of


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every Pulumi command, answered as the CLI answers where no stack exists."""
    made: list[list[str]] = []

    def answer(command: list[str], _environment: Any, **_: Any) -> str:
        known = ["stack", "init"] in made
        made.append(command[1:3])
        if "export" in command and not known:
            raise CommandFailedError("no stack named 'dev' found")
        return json.dumps({"deployment": {}}) if "export" in command else json.dumps([{"name": "dev"}] if known else [])

    monkeypatch.setattr(pulumi_stack, "output_of", answer)
    monkeypatch.setattr(pulumi_stack, "run", lambda command, _environment, **_: made.append(command[1:2]))
    return made


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiStack:
    monkeypatch.setattr(pulumi_stack, "ROOT", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: densenet-triton\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    environment = {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/backend",
    }
    return PulumiStack(name="dev", config_file=tmp_path / "Pulumi.dev.yaml", environment=environment)


def test_a_stack_is_initialised_once_and_deployed(stack: PulumiStack, calls: list[list[str]]) -> None:
    stack.settle()
    stack.up()

    assert calls == [["stack", "export"], ["stack", "ls"], ["stack", "init"], ["stack", "export"], ["up"]]


def test_a_stack_that_is_there_is_asked_for_its_state_alone(stack: PulumiStack, calls: list[list[str]]) -> None:
    stack.settle()
    calls_before = len(calls)

    stack.settle()

    assert calls[calls_before:] == [["stack", "export"]]


def test_the_checkout_stays_clean_and_the_salt_survives(stack: PulumiStack, calls: list[list[str]]) -> None:
    stack.settle()
    copy = Path(stack.environment["XDG_STATE_HOME"]) / "densenet-triton" / "config" / "Pulumi.dev.yaml"
    copy.write_text(copy.read_text() + "encryptionsalt: v1:abc\n")
    stack.config_file.write_text("config: {changed: 1}\n")
    stack.settle()

    assert "encryptionsalt: v1:abc" in copy.read_text()
    assert "changed: 1" in copy.read_text()
    assert stack.config_file.read_text() == "config: {changed: 1}\n"
    assert calls


def test_what_another_provider_of_secrets_has_written_survives_too(stack: PulumiStack, calls: list[list[str]]) -> None:
    stack.settle()
    copy = Path(stack.environment["XDG_STATE_HOME"]) / "densenet-triton" / "config" / "Pulumi.dev.yaml"
    copy.write_text(copy.read_text() + "secretsprovider: awskms://alias/x\nencryptedkey: abc\n")
    stack.settle()

    assert copy.read_text().endswith("secretsprovider: awskms://alias/x\nencryptedkey: abc\n")
    assert calls


def test_the_users_own_salt_is_taken(stack: PulumiStack, calls: list[list[str]]) -> None:
    stack.settle()
    copy = Path(stack.environment["XDG_STATE_HOME"]) / "densenet-triton" / "config" / "Pulumi.dev.yaml"
    copy.write_text(copy.read_text() + "encryptionsalt: v1:ours\n")
    stack.config_file.write_text("encryptionsalt: v1:theirs\nconfig: {}\n")
    stack.settle()

    assert copy.read_text() == "encryptionsalt: v1:theirs\nconfig: {}\n"
    assert calls


@pytest.mark.parametrize(
    ("name", "listed", "there"),
    [
        ("dev", "dev", True),
        ("organization/densenet-triton/dev", "dev", True),
        ("acme/densenet-triton/dev", "acme/dev", True),
        ("acme/dev", "acme/densenet-triton/dev", True),
        ("dev", "acme/dev", True),
        ("acme/densenet-triton/dev", "other/dev", False),
        ("acme/densenet-triton/dev", "acme/prod", False),
    ],
)
def test_a_stack_is_there_by_its_whole_name(
    stack: PulumiStack, monkeypatch: pytest.MonkeyPatch, name: str, listed: str, *, there: bool
) -> None:
    monkeypatch.setattr(pulumi_stack, "output_of", lambda *_, **__: json.dumps([{"name": listed}]))

    assert replace(stack, name=name).exists() is there


@pytest.mark.usefixtures("calls")
def test_a_whole_name_has_the_file_the_copy_and_the_lock_of_its_last_part(stack: PulumiStack, tmp_path: Path) -> None:
    lock = lock_of(tmp_path, dead_pid(), socket.gethostname())

    replace(stack, name="organization/densenet-triton/dev").settle()

    assert not lock.exists()
    folder = Path(stack.environment["XDG_STATE_HOME"]) / "densenet-triton" / "config"
    assert sorted(path.name for path in folder.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml"]


def test_an_update_of_a_run_that_is_gone_is_cancelled(stack: PulumiStack, calls: list[list[str]]) -> None:
    stack.cancel()

    assert ["cancel", "--yes"] in calls


def test_the_way_back_deletes_nothing_that_it_has_made_again(
    stack: PulumiStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update to another release has failed: the state holds both releases' objects, some as pending deletions."""
    own = "urn:pulumi:dev::densenet-triton::densenet:infra:Stack$kubernetes:core/v1:"
    mounted = ("ConfigMap::triton-proof", "PersistentVolumeClaim::storage-claim", "PersistentVolume::storage-volume")
    pending = [{"urn": f"{own}{name}", "id": f"{name}-1", "delete": True} for name in mounted]
    others = [
        {"urn": f"{own}{mounted[0]}", "id": "triton-dev/triton-proof-2"},
        {"urn": f"{own}ConfigMap::plan-image", "id": "triton-dev/plan-1-image", "delete": True},
    ]
    imported: list[Any] = []

    def answer(command: list[str], _environment: Any, input_text: str | None = None) -> str:
        if "import" in command:
            imported.append(json.loads(input_text or "")["deployment"]["resources"])
        return json.dumps({"deployment": {"resources": [*pending, *others]}}) if "export" in command else "[]"

    monkeypatch.setattr(pulumi_stack, "output_of", answer)

    stack.settle()

    assert imported == [others]


def test_what_the_provider_leaves_of_a_kubeconfig_goes_with_the_command(
    stack: PulumiStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport os, tempfile\nos.close(tempfile.mkstemp(prefix='kubeconfig')[0])\n")
    program.chmod(0o755)
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    environment = {**stack.environment, "PATH": str(program.parent), "TMPDIR": str(scratch)}

    replace(stack, environment=environment).up()

    assert list(scratch.iterdir()) == []


def test_what_stays_is_left_out_of_a_destruction(stack: PulumiStack, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(pulumi_stack, "output_of", lambda *_, **__: json.dumps([{"name": "dev"}]))
    monkeypatch.setattr(pulumi_stack, "run", lambda command, _environment, **_: commands.append(command))

    stack.destroy(keep=("urn:pulumi:dev::a", "urn:pulumi:dev::b"))

    assert commands[0][-2:] == ["--exclude=urn:pulumi:dev::a", "--exclude=urn:pulumi:dev::b"]


def test_a_state_is_edited_only_where_it_reaches_the_cluster_otherwise_than_today(
    stack: PulumiStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported: list[Any] = []
    monkeypatch.setattr(
        pulumi_stack, "output_of", lambda *_, input_text="", **__: imported.append(json.loads(input_text)) or ""
    )
    config = ClusterConfig(context="prod", namespace="triton")
    part = {"context": "prod", "kubeconfig": "/home/other/kubeconfig"}
    today = {"context": "prod", "kubeconfig": ""}
    provider = resource("pulumi:providers:kubernetes::cluster")
    state = state_of({**provider, "inputs": part, "outputs": part})
    wanted = state_of({**provider, "inputs": today, "outputs": today})

    assert stack.with_access(state, config) == wanted
    assert stack.with_access(wanted, config) is wanted
    assert imported == [wanted]


def test_a_stack_that_is_not_there_has_no_state(stack: PulumiStack, calls: list[list[str]]) -> None:
    assert stack.state() is None
    assert calls == [["stack", "export"]]


def test_a_backend_that_does_not_answer_is_no_new_stack(stack: PulumiStack, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise CommandFailedError("the bucket does not answer")

    monkeypatch.setattr(pulumi_stack, "output_of", fail)
    with pytest.raises(CommandFailedError):
        stack.state()


@pytest.mark.parametrize(
    ("outputs", "resources"),
    [({}, []), ({"url": "http://x"}, [resource("kubernetes:core/v1:Namespace::namespace")])],
    ids=["empty", "destroyed"],
)
def test_a_stack_of_which_no_service_is_left_has_no_url(
    stack: PulumiStack, monkeypatch: pytest.MonkeyPatch, outputs: dict[str, str], resources: list[dict[str, Any]]
) -> None:
    def answer(command: list[str], *_: Any, **__: Any) -> str:
        return json.dumps(outputs if "output" in command else state_of(*resources))

    monkeypatch.setattr(pulumi_stack, "output_of", answer)
    with pytest.raises(DeployError, match="stack dev has no URL yet; make up STACK=dev"):
        stack.outputs()


def test_a_deployed_stack_has_its_outputs(stack: PulumiStack, monkeypatch: pytest.MonkeyPatch) -> None:
    service = resource("densenet:infra:Triton$kubernetes:core/v1:Service::triton-service")

    def answer(command: list[str], *_: Any, **__: Any) -> str:
        return json.dumps({"url": "http://x"} if "output" in command else state_of(service))

    monkeypatch.setattr(pulumi_stack, "output_of", answer)
    assert stack.outputs() == {"url": "http://x"}
