"""The command line behind `make gate`, `make promote`, `make releases` and `make rollback`.

Exit status: 0 deployed and proven; 1 refused before anything changed; 2 failed, and the last good release is back and
proven again; 3 failed, and no proven release serves; 130 interrupted, and the next gate goes on from there.
"""

import argparse
import signal
import sys
from typing import NoReturn

from deploy.errors import DeployError
from gate import operations
from gate.cluster.releases import table_from_releases
from gate.errors import GateError
from infra.config import hidden
from infra.errors import InfraError
from tools.privileges import on_behalf_of_caller

_REFUSED = 1
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Wrong arguments change nothing: argparse's own status for them means something else here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_REFUSED, f"error: {message}\n")


def main() -> int:
    """Run one verb; an error that nothing was changed by ends in a line on standard error and status 1."""
    arguments = parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a runner that cancels a job asks so first
    try:
        with on_behalf_of_caller():
            return int(arguments.run(arguments))
    except (GateError, DeployError, InfraError, OSError) as error:
        print(f"error: {hidden(str(error))}", file=sys.stderr)
        return _REFUSED
    except KeyboardInterrupt:
        print("interrupted; the next gate completes it, or puts the last good release back", file=sys.stderr)
        return _INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The verbs and their options."""
    made = _Parser(prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = made.add_subparsers(required=True, parser_class=_Parser, metavar="VERB")
    run = verbs.add_parser("run", help="deploy this checkout and prove it, or put the last good release back")
    run.set_defaults(run=lambda given: operations.gate(given.stack, wait_s=given.wait_s))
    promote = verbs.add_parser("promote", help="deploy what one stack has proven to another")
    promote.add_argument("--from", dest="source", required=True, metavar="STACK")
    promote.add_argument("--to", required=True, metavar="STACK")
    promote.set_defaults(run=lambda given: operations.promote(given.source, given.to, wait_s=given.wait_s))
    rollback = verbs.add_parser("rollback", help="deploy a kept release again and prove it")
    rollback.add_argument("--to", required=True, metavar="RELEASE")
    rollback.set_defaults(run=lambda given: operations.rollback(given.stack, given.to, wait_s=given.wait_s))
    releases = verbs.add_parser("releases", help="list the kept releases, the newest first")
    releases.set_defaults(run=_releases)
    preview = verbs.add_parser("preview", help="what `run` would change, as Markdown for a pull request")
    preview.set_defaults(run=_preview)
    for verb in (run, rollback, releases, preview):
        verb.add_argument("--stack", default="dev", help="the stack's name, as in Pulumi.<stack>.yaml")
    for verb in (run, promote, rollback):
        verb.add_argument(
            "--wait-s", type=float, default=0, metavar="S", help="wait so long for another run; 0 refuses at once"
        )
    return made


def _releases(given: argparse.Namespace) -> int:
    releases = operations.releases_of(given.stack)
    print(table_from_releases(releases))
    unreadable = [evidence for _, evidence in releases if isinstance(evidence, GateError)]
    for error in unreadable:
        print(f"error: {error}", file=sys.stderr)
    return _REFUSED if unreadable else 0


def _preview(given: argparse.Namespace) -> int:
    markdown, accepted = operations.preview(given.stack)
    print(hidden(markdown))
    return 0 if accepted else _REFUSED


if __name__ == "__main__":
    sys.exit(main())
