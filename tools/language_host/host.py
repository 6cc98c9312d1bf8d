"""The answers to the engine: Pulumi's LanguageRuntime service for Python."""

import base64
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format

from tools.language_host.children import Children, Output
from tools.language_host.errors import LanguageHostError
from tools.language_host.installation import installation_commands
from tools.language_host.interpreter import Interpreter
from tools.language_host.packages import Plugin, installed_packages, required_plugins
from tools.language_host.stubs import language_pb2, language_pb2_grpc, plugin_pb2

_USER_HAS_SEEN_WHY = 32  # the exit status of a program that has shown its error itself


class PythonLanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Pulumi programs and plugins that are written in Python.

    Args:
        executor: Pulumi's script `pulumi-language-python-exec`.
        engine: the engine's gRPC address.
        tracing: where traces go, as the engine said, or the empty string.
        children: runs the programs.
    """

    def __init__(self, *, executor: Path, engine: str, tracing: str, children: Children) -> None:
        self._executor = executor
        self._engine = engine
        self._tracing = tracing
        self._children = children

    def Handshake(  # noqa: N802 - the protocol's name, as those below
        self, request: language_pb2.LanguageHandshakeRequest, _context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Learn the engine's address."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(  # noqa: N802
        self, _request: empty_pb2.Empty, _context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """Return the version of the Pulumi SDK whose protocol this host speaks."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def Cancel(  # noqa: N802
        self, _request: empty_pb2.Empty, _context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """End every running program."""
        self._children.end()
        return empty_pb2.Empty()

    def About(  # noqa: N802
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """Return the program's Python, for `pulumi about`."""
        with _refusals(context):
            interpreter = _interpreter(request.info)
            python = interpreter.described()
        return language_pb2.AboutResponse(
            executable=python.executable, version=python.version, metadata={"toolchain": interpreter.toolchain}
        )

    def GetProgramDependencies(  # noqa: N802
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """Return the packages that the program's Python has."""
        with _refusals(context):
            search_path = _interpreter(request.info).described().search_path
        found = installed_packages(search_path, transitive=request.transitiveDependencies)
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def GetRequiredPackages(  # noqa: N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Return the plugins of the Pulumi packages that the program's Python has."""
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=plugin.name,
                    kind="resource",
                    version=plugin.version,
                    server=plugin.server,
                    parameterization=_parameterization(plugin.parameterization),
                    extension=_parameterization(plugin.extension),
                )
                for plugin in _plugins(request.info, context)
            ]
        )

    def GetRequiredPlugins(  # noqa: N802
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """Return the same plugins as older engines ask for them."""
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(
                    name=plugin.name, kind="resource", version=plugin.version, server=plugin.server
                )
                for plugin in _plugins(request.info, context)
            ]
        )

    def RuntimeOptionsPrompts(  # noqa: N802
        self, _request: language_pb2.RuntimeOptionsRequest, _context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """Return what `pulumi new` should ask: nothing."""
        return language_pb2.RuntimeOptionsResponse()

    def Template(  # noqa: N802
        self, _request: language_pb2.TemplateRequest, _context: grpc.ServicerContext
    ) -> language_pb2.TemplateResponse:
        """Change nothing in a project that `pulumi new` has made."""
        return language_pb2.TemplateResponse()

    def InstallDependencies(  # noqa: N802
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Make the virtual environment and install the project's packages, with their output."""
        program = Path(request.info.program_directory or request.directory)
        with _refusals(context):
            interpreter = _interpreter(request.info)
            environment = interpreter.activated(os.environ)
            for command in installation_commands(interpreter, program, Path(request.info.root_directory or program)):
                text = shlex.join(map(str, command))
                yield language_pb2.InstallDependenciesResponse(stdout=f"{text}\n".encode())
                for said in self._children.stream(command, environment, program, context):
                    if isinstance(said, Output):
                        yield language_pb2.InstallDependenciesResponse(stdout=said.stdout, stderr=said.stderr)
                    elif said != 0:
                        raise LanguageHostError(f"'{text}' ended with status {said}; its reason stands above")

    def Run(  # noqa: N802
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run a program to its end; what it prints goes where this host's own output goes."""
        with _refusals(context):
            _refuse_debugger(request)
            interpreter = _interpreter(request.info)
            command = [str(interpreter.executable()), str(self._executor), *self._executor_arguments(request)]
        environment = interpreter.activated(os.environ) | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        status = self._children.run(command, environment, context)
        if status == _USER_HAS_SEEN_WHY:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=_why(status))

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a plugin, such as a policy pack, until it ends or the engine hangs up; its output is streamed."""
        with _refusals(context):
            interpreter = _interpreter(request.info)
            command = [str(interpreter.executable()), "-u", _entry_point(request.info), *request.args]
        environment = dict(entry.split("=", 1) for entry in request.env) or dict(os.environ)
        cwd = Path(request.pwd or request.info.program_directory)
        for said in self._children.stream(command, interpreter.activated(environment), cwd, context):
            if not isinstance(said, Output):
                yield language_pb2.RunPluginResponse(exitcode=said)
            elif said.stdout:
                yield language_pb2.RunPluginResponse(stdout=said.stdout)
            else:
                yield language_pb2.RunPluginResponse(stderr=said.stderr)

    def _executor_arguments(self, request: language_pb2.RunRequest) -> list[str]:
        named = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "tracing": self._tracing,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
        }
        arguments = [part for name, value in named.items() if value for part in (f"--{name}", value)]
        return [*arguments, _entry_point(request.info), *request.args]


def _interpreter(info: language_pb2.ProgramInfo) -> Interpreter:
    options: Mapping[str, object] = json_format.MessageToDict(info.options)
    return Interpreter.of_project(Path(info.root_directory), options)


def _entry_point(info: language_pb2.ProgramInfo) -> str:
    return str(Path(info.program_directory) / info.entry_point)


def _plugins(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> list[Plugin]:
    with _refusals(context):
        return required_plugins(_interpreter(info).described().search_path)


def _parameterization(said: Mapping[str, Any] | None) -> plugin_pb2.PackageParameterization | None:
    if said is None:
        return None
    return plugin_pb2.PackageParameterization(
        name=said["name"], version=said["version"], value=base64.b64decode(said["value"])
    )


def _why(status: int) -> str:
    if status == 0:
        return ""
    if status < 0:
        return f"Program was ended by signal {-status}"
    return f"Program exited with non-zero exit code: {status}"


def _refuse_debugger(request: language_pb2.RunRequest) -> None:
    if request.attach_debugger:
        raise LanguageHostError("--attach-debugger needs the official Pulumi CLI on PATH")


@contextmanager
def _refusals(context: grpc.ServicerContext) -> Iterator[None]:
    """Tell the engine, which tells the user, what he can mend."""
    try:
        yield
    except LanguageHostError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
