"""The command line behind the Makefile: `python -m deploy VERB --stack NAME`."""

import argparse
import sys

from deploy.environment import deployment_environment, shown_environment
from deploy.errors import DeployError
from deploy.images import OWN_IMAGES, push_images
from deploy.operations import Deployment, ensure_tools
from infra.errors import InfraError

_INTERRUPTED = 130


def main() -> int:
    """Run one verb; errors that a user can cause end in a line on standard error and status 1."""
    arguments = _parser().parse_args()
    try:
        _run(arguments)
    except (DeployError, InfraError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _run(arguments: argparse.Namespace) -> None:
    match arguments.verb:
        case "tools":
            ensure_tools(embedded=True)
        case "images":
            push_images(OWN_IMAGES, arguments.registry)
        case "env":
            print(shown_environment(deployment_environment()))
        case "url":
            print(Deployment(arguments.stack).url())
        case verb:
            deployment = Deployment(arguments.stack, with_tools=verb in {"up", "preview"})
            getattr(deployment, verb)()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "preview", "destroy", "down", "status", "url", "logs", "env"):
        verbs.add_parser(verb).add_argument(
            "--stack", default="dev", help="the stack's name, as in Pulumi.<stack>.yaml"
        )
    verbs.add_parser("tools")
    verbs.add_parser("images").add_argument("--registry", required=True, type=_registry)
    return parser


def _registry(value: str) -> str:
    if not value:
        raise argparse.ArgumentTypeError("is empty; name where to push: make images REGISTRY=registry.example/team")
    return value


if __name__ == "__main__":
    sys.exit(main())
