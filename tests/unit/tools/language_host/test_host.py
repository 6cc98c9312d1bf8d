import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

pytestmark = pytest.mark.timeout(120)

# Stands for Pulumi's own script: it writes down what it was given, then runs the program.
_EXECUTOR = """
import json, os, pathlib, runpy, sys
given = [sys.argv[1:], os.environ["PULUMI_CONFIG"], os.environ["PULUMI_CONFIG_SECRET_KEYS"]]
pathlib.Path(sys.argv[-1], "given.json").write_text(json.dumps(given))
runpy.run_path(sys.argv[-1])
"""
_UNTIL_ENDED = "import os, pathlib, signal\npathlib.Path({fifo!r}).write_text(str(os.getpid()))\nsignal.pause()\n"
_COMMAND = [sys.executable, "-m", "tools.language_host", "-v=3", "127.0.0.1:9", "--use-executor"]


@dataclass(frozen=True)
class Host:
    """The real language host, started as the engine starts it, and a project for it."""

    process: subprocess.Popen[str]
    stub: language_pb2_grpc.LanguageRuntimeStub
    project: Path

    def info(self, **options: str) -> language_pb2.ProgramInfo:
        """Describe a program in the project's root that runs with the tests' own Python."""
        root = str(self.project)
        info = language_pb2.ProgramInfo(root_directory=root, program_directory=root, entry_point=".")
        info.options.update(options or {"virtualenv": sys.prefix})
        return info

    def program(self, text: str) -> None:
        (self.project / "__main__.py").write_text(text)

    def given(self) -> Any:
        """Return what the program's script was given: arguments, configuration, secret keys."""
        return json.loads((self.project / "given.json").read_text())

    def pidfd_of_endless_program(self) -> int:
        """Return, once it runs, a descriptor of the process that `_UNTIL_ENDED` stands for."""
        return os.pidfd_open(int((self.project / "fifo").read_text()))

    def endless_program(self) -> None:
        os.mkfifo(self.project / "fifo")
        self.program(_UNTIL_ENDED.format(fifo=str(self.project / "fifo")))


@contextmanager
def running_host(folder: Path) -> Iterator[tuple[subprocess.Popen[str], language_pb2_grpc.LanguageRuntimeStub]]:
    uv = folder / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text('#!/bin/sh\necho "$@"\necho done >&2\n')
    uv.chmod(0o755)
    environment = os.environ | {"PATH": f"{uv.parent}:{os.environ['PATH']}"}
    command = [*_COMMAND, str(executor_in(folder))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield process, language_pb2_grpc.LanguageRuntimeStub(channel)
        process.terminate()


def executor_in(folder: Path) -> Path:
    path = folder / "executor"
    path.write_text(_EXECUTOR)
    return path


@pytest.fixture(scope="module")
def shared_host(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[subprocess.Popen[str], language_pb2_grpc.LanguageRuntimeStub]]:
    with running_host(tmp_path_factory.mktemp("host")) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def host(shared_host: tuple[subprocess.Popen[str], language_pb2_grpc.LanguageRuntimeStub], project: Path) -> Host:
    """A host that other tests use too, with a project of this test's own."""
    return Host(*shared_host, project)


@pytest.fixture
def own_host(tmp_path: Path, project: Path) -> Iterator[Host]:
    """A host that this test may end."""
    with running_host(tmp_path) as running:
        yield Host(*running, project)


def has_ended(pidfd: int) -> bool:
    """Wait up to half a minute for a process to end."""
    return bool(select.select([pidfd], [], [], 30)[0])


def test_it_tells_its_version(host: Host) -> None:
    assert host.stub.GetPluginInfo(empty_pb2.Empty()).version == metadata.version("pulumi")


def test_the_engine_s_address_is_the_one_of_the_handshake(own_host: Host) -> None:
    own_host.stub.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:8"))
    own_host.program("")

    own_host.stub.Run(language_pb2.RunRequest(info=own_host.info()))

    assert own_host.given()[0][:2] == ["--engine", "127.0.0.1:8"]


def test_it_finds_the_plugins_that_the_project_needs(host: Host) -> None:
    packages = host.stub.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=host.info())).packages
    plugins = host.stub.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest(info=host.info())).plugins

    assert [(item.name, item.kind, item.version) for item in packages] == [("kubernetes", "resource", "v4.25.0")]
    assert [(item.name, item.kind, item.version) for item in plugins] == [("kubernetes", "resource", "v4.25.0")]


def test_it_tells_about_the_program_s_python(host: Host) -> None:
    about = host.stub.About(language_pb2.AboutRequest(info=host.info()))
    request = language_pb2.GetProgramDependenciesRequest(info=host.info(), transitiveDependencies=True)
    found = {item.name: item.version for item in host.stub.GetProgramDependencies(request).dependencies}

    assert about.version == ".".join(map(str, sys.version_info[:3]))
    assert found["pulumi"] == metadata.version("pulumi")


def test_it_asks_nothing_and_changes_nothing_for_a_new_project(host: Host) -> None:
    assert not host.stub.RuntimeOptionsPrompts(language_pb2.RuntimeOptionsRequest(info=host.info())).prompts
    assert host.stub.Template(language_pb2.TemplateRequest(info=host.info())) == language_pb2.TemplateResponse()


def test_a_program_gets_what_the_engine_says(host: Host) -> None:
    host.program("")
    request = language_pb2.RunRequest(
        info=host.info(),
        project="p",
        stack="s",
        pwd=str(host.project),
        config={"p:key": "value"},
        configSecretKeys=["p:key"],
        dryRun=True,
        parallel=4,
        monitor_address="127.0.0.1:7",
        organization="o",
    )

    assert host.stub.Run(request) == language_pb2.RunResponse()

    arguments, config, secret_keys = host.given()
    named = dict(zip(arguments[:-1:2], arguments[1:-1:2], strict=True))
    assert named == {
        "--monitor": "127.0.0.1:7",
        "--engine": "127.0.0.1:9",
        "--project": "p",
        "--stack": "s",
        "--pwd": str(host.project),
        "--dry_run": "true",
        "--parallel": "4",
        "--organization": "o",
        "--root_directory": str(host.project),
    }
    assert arguments[-1] == str(host.project)
    assert json.loads(config) == {"p:key": "value"}
    assert json.loads(secret_keys) == ["p:key"]


@pytest.mark.parametrize(
    ("status", "response"),
    [
        (0, language_pb2.RunResponse()),
        (3, language_pb2.RunResponse(error="Program exited with non-zero exit code: 3")),
        (32, language_pb2.RunResponse(bail=True)),
    ],
)
def test_a_program_s_end_is_told(status: int, response: language_pb2.RunResponse, host: Host) -> None:
    host.program(f"raise SystemExit({status})")

    assert host.stub.Run(language_pb2.RunRequest(info=host.info())) == response


def test_a_missing_virtual_environment_is_told_in_words(host: Host) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        host.stub.Run(language_pb2.RunRequest(info=host.info(virtualenv="venv")))

    assert raised.value.details() == f"{host.project}/venv is no virtual environment; make it: pulumi install"


def test_a_plugin_s_output_is_streamed_until_it_ends(host: Host) -> None:
    host.program("import os, sys\nprint(sys.argv[1:], os.environ['X'])\nprint('why', file=sys.stderr)\nsys.exit(5)")
    request = language_pb2.RunPluginRequest(
        info=host.info(), pwd=str(host.project), args=["127.0.0.1:9"], env=["X=a=b", "PATH=/bin"]
    )

    answers = list(host.stub.RunPlugin(request))

    assert b"".join(answer.stdout for answer in answers) == b"['127.0.0.1:9'] a=b\n"
    assert b"".join(answer.stderr for answer in answers) == b"why\n"
    assert answers[-1].exitcode == 5


def test_a_plugin_ends_when_the_engine_hangs_up(host: Host) -> None:
    host.endless_program()
    call = host.stub.RunPlugin(language_pb2.RunPluginRequest(info=host.info(), pwd=str(host.project)))
    plugin = host.pidfd_of_endless_program()

    call.cancel()

    assert has_ended(plugin)


def test_a_program_ends_when_the_engine_cancels(own_host: Host) -> None:
    own_host.endless_program()
    answer = own_host.stub.Run.future(language_pb2.RunRequest(info=own_host.info()))
    program = own_host.pidfd_of_endless_program()

    own_host.stub.Cancel(empty_pb2.Empty())

    assert has_ended(program)
    assert answer.result().error == "Program was ended by signal 15"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_ends_with_the_host(number: signal.Signals, own_host: Host) -> None:
    own_host.endless_program()
    answer = own_host.stub.Run.future(language_pb2.RunRequest(info=own_host.info()))
    program = own_host.pidfd_of_endless_program()

    own_host.process.send_signal(number)

    assert has_ended(program)
    assert own_host.process.wait(30) == 0
    assert answer.done() or answer.cancel()


def test_the_host_ends_when_the_engine_was_killed(tmp_path: Path) -> None:
    engine = subprocess.Popen(
        ["/bin/sh", "-c", '"$@" & echo $!; wait', "engine", *_COMMAND, executor_in(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert engine.stdout is not None
    host = os.pidfd_open(int(engine.stdout.readline()))
    assert engine.stdout.readline().strip().isdigit()

    engine.kill()

    assert has_ended(host)
    engine.communicate()


def test_dependencies_are_installed_with_their_output(host: Host) -> None:
    (host.project / "requirements.txt").touch()

    answers = list(host.stub.InstallDependencies(language_pb2.InstallDependenciesRequest(info=host.info())))

    python = Path(sys.prefix) / "bin" / "python"
    expected = f"pip install --python {python} -r {host.project}/requirements.txt\n"
    assert b"".join(answer.stdout for answer in answers).decode().endswith(expected)
    assert b"".join(answer.stderr for answer in answers) == b"done\n"


def test_a_project_that_says_nothing_to_install_is_told_so(host: Host) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        list(host.stub.InstallDependencies(language_pb2.InstallDependenciesRequest(info=host.info())))

    assert "has no requirements.lock, requirements.txt, pyproject.toml" in raised.value.details()


def test_a_missing_executor_is_one_line(tmp_path: Path) -> None:
    answer = subprocess.run([*_COMMAND, tmp_path / "none"], check=False, capture_output=True, text=True)

    assert (answer.returncode, answer.stderr) == (1, f"error: {tmp_path}/none is missing; build it: make tools\n")
