"""Command line of the embedded Kubernetes."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from local_cluster import components, programs
from local_cluster.errors import LocalClusterError, NotRunningError
from local_cluster.health import health
from local_cluster.images import Images
from local_cluster.layout import DEFAULT_NAME, Layout, layout_from_name
from local_cluster.lock import locked
from local_cluster.machine import check_machine, require_platform, require_root
from local_cluster.startup import bring_up
from local_cluster.supervision import Supervisor
from local_cluster.teardown import bring_down

EXIT_FAULT = 1
EXIT_NOT_RUNNING = 3
EXIT_INTERRUPTED = 130
_LOGS = (*components.NAMES, "supervisord", "foundation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except LocalClusterError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return EXIT_NOT_RUNNING if isinstance(error, NotRunningError) else EXIT_FAULT
    except KeyboardInterrupt:
        print(f"interrupted: the same `{options.command}` again goes on from here", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_cluster", description=__doc__)
    parser.add_argument("--name", default=DEFAULT_NAME, help="the cluster's name (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the cluster, or mend it")
    help_of_image = "then import an image, unless it is present"
    up.add_argument("--image", action="append", default=[], type=_image, metavar="REF=ARCHIVE", help=help_of_image)
    up.set_defaults(action=_up)
    check = commands.add_parser("check", help="say what keeps this machine from carrying the cluster, changing nothing")
    check.set_defaults(action=_check)
    down = commands.add_parser("down", help="end the cluster and remove all of it")
    down.add_argument("--keep-data", action="store_true", help="leave what the next `up` goes on with")
    down.set_defaults(action=_down)
    status = commands.add_parser("status", help="show the components, the node and the gateway")
    status.add_argument("--json", action="store_true", help="as one JSON object")
    status.set_defaults(action=_status)
    load = commands.add_parser("load", help="import an image")
    load.add_argument("archive", type=Path, metavar="ARCHIVE", help="a docker or OCI archive")
    load.add_argument("--ref", metavar="REF", help="the image in it; skip where it is present already")
    load.set_defaults(action=_load)
    commands.add_parser("kubeconfig", help="print the kubeconfig's path").set_defaults(action=_kubeconfig)
    logs = commands.add_parser("logs", help="print a component's log")
    logs.add_argument("component", metavar="COMPONENT", help=", ".join(_LOGS))
    logs.add_argument("--follow", action="store_true", help="go on as it grows, until Ctrl-C")
    logs.set_defaults(action=_logs)
    return parser


def _image(text: str) -> tuple[str, Path]:
    """Read REF=ARCHIVE."""
    reference, separator, archive = text.partition("=")
    if not (reference and separator and archive):
        raise argparse.ArgumentTypeError(f"{text!r}; accepted: REF=ARCHIVE, such as localhost/mine:1=mine.tar")
    return reference, Path(archive)


def _run(options: argparse.Namespace) -> int:
    layout = layout_from_name(options.name)
    action: Callable[[Layout, argparse.Namespace], int] = options.action
    if action is not _kubeconfig:
        require_platform()
        require_root()
    return action(layout, options)


def _up(layout: Layout, options: argparse.Namespace) -> int:
    with locked(layout.lock, "up"):
        bring_up(layout, say=_say)
    print(f"cluster {layout.name} is up: {layout.gateway_url}, kubeconfig {layout.kubeconfig}")
    images = Images(layout)
    present = images.references() if options.image else set()
    for reference, archive in options.image:
        if reference not in present:
            images.load(archive, reference=reference)
        print(f"{reference} is present" if reference in present else f"imported {archive}")
    return 0


def _check(layout: Layout, _options: argparse.Namespace) -> int:
    check_machine(layout)
    return 0


def _down(layout: Layout, options: argparse.Namespace) -> int:
    with locked(layout.lock, "down"):
        bring_down(layout, keep_data=options.keep_data)
    print(f"cluster {layout.name} is down" + (f", its data is in {layout.state}" if options.keep_data else ""))
    return 0


def _status(layout: Layout, options: argparse.Namespace) -> int:
    found = health(layout)
    print(json.dumps(found.document(), indent=2) if options.json else found.table())
    return 0 if found.is_healthy else EXIT_FAULT


def _load(layout: Layout, options: argparse.Namespace) -> int:
    if not Supervisor(layout).answers():
        raise NotRunningError(f"cluster {layout.name} is not running: `{_command(layout)} up` starts it")
    imported = Images(layout).load(options.archive, reference=options.ref)
    print(f"imported {options.archive}" if imported else f"{options.ref} is present")
    return 0


def _kubeconfig(layout: Layout, _options: argparse.Namespace) -> int:
    if not layout.kubeconfig.is_file():
        raise NotRunningError(f"{layout.kubeconfig} is not there: `{_command(layout)} up` makes it")
    print(layout.kubeconfig)
    return 0


def _logs(layout: Layout, options: argparse.Namespace) -> int:
    if options.component not in _LOGS:
        raise LocalClusterError(f"no component {options.component!r}: there are {', '.join(_LOGS)}")
    log = layout.logs / f"{options.component}.log"
    if not log.is_file():
        raise NotRunningError(f"{log} is not there: the cluster was not started, or {options.component} said nothing")
    tail = ["tail", "--lines=+1", *(["--follow=name", "--retry"] if options.follow else []), str(log)]
    sys.stdout.flush()
    os.execve(programs.required("tail"), tail, programs.environment())  # noqa: S606 - no shell is wanted


def _command(layout: Layout) -> str:
    return f"python -m local_cluster --name {layout.name}"


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
