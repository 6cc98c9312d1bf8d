"""The command line behind the Makefile: `python -m deploy VERB --stack NAME`.

Exit status: 0 done; 1 failed; of `up` and `prove` also 7, deployed and the URL was not reached, and 8, turned away at
its door; 130 interrupted.
"""

import argparse
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.authority import authority_file
from deploy.clients import change_clients
from deploy.environment import ensure_tools, shown_environment
from deploy.errors import DeployError, StepFailedError, TurnedAwayError, UnreachedError
from deploy.operations import Deployment
from deploy.smoke import TURNED_AWAY_STATUS, UNREACHED_STATUS
from infra.config import hidden
from infra.errors import InfraError
from tools.privileges import on_behalf_of_caller

_INTERRUPTED = 130
_STATUS: dict[type[Exception], int] = {UnreachedError: UNREACHED_STATUS, TurnedAwayError: TURNED_AWAY_STATUS}


def main() -> int:
    """Run one verb; errors that a user can cause end in a line on standard error and status 1."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever cancels a job asks so first: the lease is freed
    try:
        with on_behalf_of_caller():
            arguments.run(arguments)
    except StepFailedError:
        return 1
    except (DeployError, InfraError, OSError) as error:
        print(f"error: {hidden(str(error))}", file=sys.stderr)
        return _STATUS.get(type(error), 1)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _env(stack: str) -> None:
    ensure_tools(embedded=False)
    deployment = Deployment(stack)
    deployment.pulumi.initialise()
    kubeconfig = deployment.cluster.config.kubeconfig_path
    authority = authority_file(stack, deployment.environment)
    print(shown_environment(deployment.environment, stack, kubeconfig=kubeconfig, authority=authority))


_VERBS: dict[str, Callable[[str], None]] = {
    "preview": lambda stack: Deployment(stack).preview(),
    "destroy": lambda stack: Deployment(stack).destroy(),
    "down": lambda stack: Deployment(stack).down(),
    "status": lambda stack: Deployment(stack).status(),
    "logs": lambda stack: Deployment(stack).logs(),
    "url": lambda stack: print(Deployment(stack).outputs()["url"]),
    "env": _env,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(required=True)
    for name, verb in _VERBS.items():
        command = verbs.add_parser(name)
        command.add_argument("--stack", default="dev", help="the stack's name, as in Pulumi.<stack>.yaml")
        command.set_defaults(run=lambda arguments, verb=verb: verb(arguments.stack))
    up = verbs.add_parser("up")
    up.add_argument("--stack", default="dev", help="the stack's name, as in Pulumi.<stack>.yaml")
    up.add_argument("--patience-s", type=float, default=0, metavar="S", help="wait so long for another run to end")
    up.set_defaults(run=lambda arguments: Deployment(arguments.stack).up(patience_s=arguments.patience_s))
    prove = verbs.add_parser("prove")
    prove.add_argument("--stack", default="dev", help="the stack's name, as in Pulumi.<stack>.yaml")
    prove.add_argument("--junit", type=Path, metavar="FILE", help="write the smoke tests' report there too")
    prove.set_defaults(run=lambda arguments: Deployment(arguments.stack).prove(junit=arguments.junit))
    client = verbs.add_parser("client")
    client.add_argument("--stack", default="dev", help="the stack's name, as in Pulumi.<stack>.yaml")
    client.add_argument("--add", default="", metavar="NAME", help="make a key for a client, print it once")
    client.add_argument("--drop", default="", metavar="NAME", help="take a key away: NAME or NAME.next")
    client.set_defaults(run=lambda arguments: change_clients(arguments.stack, add=arguments.add, drop=arguments.drop))
    tools = verbs.add_parser("tools")
    tools.set_defaults(run=lambda _arguments: ensure_tools(embedded=_carries_embedded()))
    images = verbs.add_parser("images")
    images.add_argument("--stack", default="dev", help="the stack whose images are meant")
    images.add_argument("--registry", default="", help="where to push; without it, or empty, the stack's own")
    images.set_defaults(run=lambda arguments: Deployment(arguments.stack).push_images(arguments.registry))
    return parser


def _carries_embedded() -> bool:
    """Whether this machine is of the one platform that the embedded cluster is for."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


if __name__ == "__main__":
    sys.exit(main())
