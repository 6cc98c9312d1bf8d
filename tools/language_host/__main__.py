"""The language host's command line, as Pulumi's engine starts it; the port it serves on is its first line."""

import argparse
import os
import shutil
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc  # type: ignore[import-untyped]

from tools.language_host.children import Children, call_when_gone
from tools.language_host.errors import LanguageHostError
from tools.language_host.host import PythonLanguageHost
from tools.language_host.stubs import language_pb2_grpc

_EXECUTOR = "pulumi-language-python-exec"
_LARGEST_MESSAGE_BYTES = 400 * 2**20  # the engine's own limit
_CALLS_AT_ONCE = 64


def main() -> int:
    """Serve until the engine interrupts or is gone; then no program runs any more."""
    try:
        _serve(_parser().parse_args())
    except LanguageHostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(arguments: argparse.Namespace) -> None:
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    call_when_gone(os.getppid(), over.set)
    children = Children()
    host = PythonLanguageHost(
        executor=_executor(arguments.use_executor),
        engine=arguments.engine,
        tracing=arguments.tracing,
        children=children,
    )
    limits = [("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(_CALLS_AT_ONCE), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    over.wait()
    children.end()
    server.stop(grace=None).wait()


def _executor(given: str) -> Path:
    found = given or shutil.which(_EXECUTOR)
    if not found or not Path(found).is_file():
        raise LanguageHostError(f"{given or _EXECUTOR} is missing; build it: make tools")
    return Path(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="language_host", description=__doc__)
    parser.add_argument("engine", nargs="?", default="", help="the engine's gRPC address")
    parser.add_argument("--use-executor", default="", help=f"the script {_EXECUTOR}, otherwise found on PATH")
    parser.add_argument("--tracing", default="", help="where traces go")
    parser.add_argument("--root", default="", help="accepted for old engines")
    parser.add_argument("--logtostderr", action="store_true", help="accepted: there is no log")
    parser.add_argument("-v", default="0", help="accepted: there is no log")
    return parser


if __name__ == "__main__":
    sys.exit(main())
