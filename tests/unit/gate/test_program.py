from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import yaml

from deploy.errors import CommandFailedError, StepFailedError, TurnedAwayError, UnreachedError
from gate import program as module
from gate.cluster.releases import NEVER_FETCHED, Release
from gate.program import ReleaseProgram, environment_elsewhere
from infra.errors import ConfigError
from tests.unit.gate.runs import subject

CONFIG = {
    "densenet-triton:cluster": {"context": "c", "namespace": "triton-staging", "kubeconfig": "then"},
    "densenet-triton:model": {"name": "densenet_tensorrt"},
}

STATUS: dict[str, int] = {}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[str], Path]]:
    made: list[tuple[Sequence[str], Path]] = []

    def note(command: Sequence[str], environment: Any, *, cwd: Path, stdout: object = None) -> int:
        assert environment["DENSENET_TRITON_LEASE"] == "here 1 run", "it works within the gate's lease"
        assert (stdout is not None) == ("ready" in command), "what finds the tools is the program's own to know"
        made.append((command, cwd))
        return STATUS.get(command[3], 0)

    monkeypatch.setattr(module, "run", note)
    monkeypatch.setattr(module, "status_of", note)
    monkeypatch.setattr(module, "output_of", lambda *_, **__: "")
    return made


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ReleaseProgram:
    def lay_out(commit: str, folder: Path, _environment: Any) -> Path:
        (folder / commit).mkdir(exist_ok=True)
        return folder / commit

    monkeypatch.setattr(module, "program_of_commit", lay_out)
    release = Release(id="20261123T011200Z", subject=subject(), config=CONFIG)
    return ReleaseProgram(
        release=release,
        folder=tmp_path,
        kubeconfig=Path("/today/kubeconfig"),
        deployment=today(tmp_path),
        embedded=True,
        lease="here 1 run",
    )


def today(folder: Path, **values: Any) -> Any:
    """The stack as its file has it now."""
    file = folder / "today" / "Pulumi.staging.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("encryptionsalt: v1:salt\nconfig: {}\n")
    sealed: list[tuple[str, str]] = []

    def seal(into: Path, key: str, secret: str) -> None:
        assert into.stat().st_mode & 0o777 == 0o600
        sealed.append((key, secret))

    pulumi = SimpleNamespace(config_file=file, set_secret=seal)
    found = SimpleNamespace(values=values)
    return SimpleNamespace(stack="organization/densenet-triton/staging", pulumi=pulumi, values=found, sealed=sealed)


def test_it_has_its_commits_packages_and_its_own_configuration(
    program: ReleaseProgram, commands: list[tuple[Sequence[str], Path]]
) -> None:
    program.prepare()
    program.apply()

    folder = program.folder / ("c" * 40)
    assert written(folder)["densenet-triton:model"] == {"name": "densenet_tensorrt", "plan": subject().plan_id}
    assert written(folder)["densenet-triton:cluster"]["kubeconfig"] == "/today/kubeconfig"
    assert (commands[0][0][1:], commands[0][1]) == (["-m", "tools", "venv"], folder)
    assert program.release.config == CONFIG


@pytest.mark.usefixtures("commands")
def test_a_stack_without_a_kubeconfig_leaves_it_to_the_variable(program: ReleaseProgram) -> None:
    program.prepare()
    replace(program, kubeconfig=None).apply()

    folder = program.folder / ("c" * 40)
    assert written(folder)["densenet-triton:cluster"] == {"context": "c", "namespace": "triton-staging"}


@pytest.mark.usefixtures("commands")
def test_another_release_of_the_same_commit_does_not_change_what_is_deployed(program: ReleaseProgram) -> None:
    program.prepare()
    other = program.release.model_copy(update={"subject": subject(plan_id="0" * 16)})
    replace(program, release=other).apply()

    program.apply()

    folder = program.folder / ("c" * 40)
    assert written(folder)["densenet-triton:model"]["plan"] == subject().plan_id


def written(folder: Path) -> Any:
    return yaml.safe_load((folder / "Pulumi.staging.yaml").read_text())["config"]


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("now", "sealed"),
    [
        ({"densenet-triton:model": {"source": {"url": "https://h/m?sig=today"}}}, "https://h/m?sig=today"),
        ({"densenet-triton:model": {"source": {"kind": "package"}}}, NEVER_FETCHED),
        (None, NEVER_FETCHED),
    ],
    ids=["today's", "of another kind today", "today's file is wrong"],
)
def test_what_is_secret_comes_from_the_stack_of_today_and_is_written_encrypted(
    program: ReleaseProgram, tmp_path: Path, now: dict[str, Any] | None, sealed: str
) -> None:
    model = {"name": "m", "source": {"kind": "onnx", "url": "[secret]"}}
    release = program.release.model_copy(update={"config": {**CONFIG, "densenet-triton:model": model}})
    deployment = today(tmp_path, **now or {})
    if now is None:
        deployment = Broken(stack=deployment.stack, pulumi=deployment.pulumi, sealed=deployment.sealed)
    program.prepare()

    replace(program, release=release, deployment=deployment).apply()

    file = program.folder / ("c" * 40) / "Pulumi.staging.yaml"
    assert deployment.sealed == [("densenet-triton:model.source.url", sealed)]
    assert yaml.safe_load(file.read_text())["encryptionsalt"] == "v1:salt"
    assert "sig=" not in file.read_text()


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("now", "names"),
    [
        (
            {"clients": {"alice": "a-of-today", "carol.next": "c-of-today"}},
            {"alice": "a-of-today", '["carol.next"]': "c-of-today"},
        ),
        ({}, {}),
    ],
    ids=["who may today", "everybody may today"],
)
def test_who_may_ask_of_a_release_is_who_may_today(
    program: ReleaseProgram, tmp_path: Path, now: dict[str, Any], names: dict[str, str]
) -> None:
    endpoint = {"clients": {"alice": "[secret]", "bob": "[secret]"}, "port": 80}
    release = program.release.model_copy(update={"config": {**CONFIG, "densenet-triton:endpoint": endpoint}})
    deployment = today(tmp_path, **{"densenet-triton:endpoint": now})
    program.prepare()

    replace(program, release=release, deployment=deployment).apply()

    of_clients = "densenet-triton:endpoint.clients"
    assert {key.removeprefix(of_clients).lstrip("."): value for key, value in deployment.sealed} == names
    assert written(program.folder / ("c" * 40))["densenet-triton:endpoint"] == {"port": 80}


@pytest.mark.usefixtures("commands")
def test_where_nobody_can_say_who_may_ask_nobody_may(program: ReleaseProgram, tmp_path: Path) -> None:
    endpoint = {"clients": {"alice": "[secret]"}}
    release = program.release.model_copy(update={"config": {**CONFIG, "densenet-triton:endpoint": endpoint}})
    whole = today(tmp_path)
    broken = Broken(stack=whole.stack, pulumi=whole.pulumi, sealed=whole.sealed)
    program.prepare()

    replace(program, release=release, deployment=broken).apply()

    ((key, value),) = broken.sealed
    assert key == "densenet-triton:endpoint.clients.alice"
    assert len(value) >= 32
    assert value not in {"[secret]", NEVER_FETCHED}


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(
    ("then", "knows_keys", "is_asked"),
    [
        ({"gatewayClass": "traefik", "acceptPlainHttp": True}, True, True),
        ({"gatewayClass": "traefik", "tls": {"secret": "s"}}, True, True),
        ({"gateway": {"name": "public", "namespace": "g", "section": "https"}}, True, True),
        ({"gatewayClass": "traefik"}, True, False),
        ({"gatewayClass": "eg", "tls": {"secret": "s"}}, True, False),
        ({"gatewayClass": "traefik", "acceptPlainHttp": True}, False, False),
    ],
    ids=["plain knowingly", "HTTPS", "another's gateway", "plain HTTP", "a class without keys", "an older program"],
)
def test_a_release_from_before_the_keys_asks_for_todays_if_its_door_can(
    program: ReleaseProgram,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    then: dict[str, Any],
    *,
    knows_keys: bool,
    is_asked: bool,
) -> None:
    release = program.release.model_copy(update={"config": {**CONFIG, "densenet-triton:endpoint": then}})
    deployment = today(tmp_path, **{"densenet-triton:endpoint": {"clients": {"alice": "a-of-today"}}})
    program.prepare()
    if knows_keys:
        (program.folder / ("c" * 40) / "infra" / "config").mkdir(parents=True)
        (program.folder / ("c" * 40) / "infra" / "config" / "clients.py").touch()

    replace(program, release=release, deployment=deployment).apply()

    assert deployment.sealed == ([("densenet-triton:endpoint.clients.alice", "a-of-today")] if is_asked else [])
    assert ("everybody may ask it" in capsys.readouterr().err) is not is_asked


@dataclass(kw_only=True)
class Broken:
    """A stack whose file has a fault."""

    stack: str
    pulumi: Any
    sealed: list[tuple[str, str]]

    @property
    def values(self) -> NoReturn:
        raise ConfigError(["Pulumi.staging.yaml: it is wrong"])


@pytest.mark.usefixtures("commands")
def test_a_digest_that_looks_like_a_number_stays_text(program: ReleaseProgram) -> None:
    program.prepare()
    release = program.release.model_copy(update={"subject": subject(plan_id="49625277760e8123")})

    replace(program, release=release).apply()

    text = (program.folder / ("c" * 40) / "Pulumi.staging.yaml").read_text()
    assert '"plan": "49625277760e8123"' in text


@pytest.mark.parametrize(
    ("name", "here", "elsewhere"),
    [
        ("KUBECONFIG", "one:/a/two::~", "/check out/one:/a/two::/check out/~"),
        ("PULUMI_CONFIG_PASSPHRASE_FILE", "secret", "/check out/secret"),
        ("PULUMI_HOME", "", ""),
        ("XDG_STATE_HOME", "../state", "/check out/../state"),
        ("PULUMI_BACKEND_URL", "file://./st%20ate", "file:///check%20out/st%20ate"),
        ("PULUMI_BACKEND_URL", "file://state", "file:///check%20out/state"),
        ("PULUMI_BACKEND_URL", "file:///state", "file:///state"),
        ("PULUMI_BACKEND_URL", "file://~/state", "file://~/state"),
        ("PULUMI_BACKEND_URL", "s3://bucket", "s3://bucket"),
        ("OTHER", "path", "path"),
    ],
)
def test_the_environment_means_the_same_in_another_folder(name: str, here: str, elsewhere: str) -> None:
    assert environment_elsewhere({name: here}, Path("/check out")) == {name: elsewhere}


def test_it_is_deployed_and_proven_by_its_own_python(
    program: ReleaseProgram, commands: list[tuple[Sequence[str], Path]], tmp_path: Path
) -> None:
    program.prepare()
    commands.clear()
    program.apply()
    program.prove(tmp_path / "junit.xml")

    folder = tmp_path / ("c" * 40)
    python = str(folder / ".venv" / "bin" / "python")
    assert [command[:5] for command, _ in commands] == [
        [python, "-m", "deploy", "up", f"--stack={program.deployment.stack}"],
        [python, "-m", "deploy", "prove", f"--stack={program.deployment.stack}"],
    ]
    assert {cwd for _, cwd in commands} == {folder}


@pytest.mark.parametrize(("embedded", "purposes"), [(True, ["pulumi", "cluster"]), (False, ["pulumi"])])
def test_its_own_tools_are_there_before_they_are_needed(
    program: ReleaseProgram,
    commands: list[tuple[Sequence[str], Path]],
    embedded: bool,  # noqa: FBT001 - a case
    purposes: list[str],
) -> None:
    replace(program, embedded=embedded).prepare()

    folder = program.folder / ("c" * 40)
    python = str(folder / ".venv" / "bin" / "python")
    assert commands[1:] == [([python, "-m", "tools", "ready", "--only", *purposes], folder)]


def test_a_commit_older_than_that_verb_makes_its_tools_when_it_deploys(
    program: ReleaseProgram, commands: list[tuple[Sequence[str], Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> str:
        raise CommandFailedError("invalid choice: 'ready'")

    monkeypatch.setattr(module, "output_of", unknown)

    program.prepare()

    assert [command[2:] for command, _ in commands] == [["tools", "venv"]]


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize(("status", "error"), [(7, UnreachedError), (8, TurnedAwayError), (1, StepFailedError)])
def test_its_own_verdict_is_one_of_three(
    program: ReleaseProgram, monkeypatch: pytest.MonkeyPatch, status: int, error: type[Exception]
) -> None:
    program.prepare()
    monkeypatch.setitem(STATUS, "prove", status)

    with pytest.raises(error):
        program.prove(Path("junit.xml"))


@pytest.mark.usefixtures("commands")
def test_whether_its_url_is_reached_is_for_its_proof_to_say(
    program: ReleaseProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.prepare()
    monkeypatch.setitem(STATUS, "up", 7)

    program.apply()

    monkeypatch.setitem(STATUS, "up", 1)
    with pytest.raises(StepFailedError, match="'deploy up' of release 20261123T011200Z ended with status 1"):
        program.apply()
