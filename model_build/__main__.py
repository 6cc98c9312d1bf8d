"""The command line: ``python -m model_build build | inspect | verify | describe | inventory | prune``."""

import argparse
import json
import logging
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from contract.errors import ContractError
from contract.manifest import document_from_manifest
from model_build.build import published_manifest
from model_build.errors import ModelBuildError
from model_build.inputs import inputs_from_folder
from model_build.inspection import inspection_from_onnx
from model_build.prune import inventory_of_storage, pruned_storage
from model_build.report import cluster_api_from_pod, report_manifest, reported_sha256
from model_build.spec import PLAN_ID, STACK
from model_build.summary import summary_from_manifest
from model_build.verify import manifest_from_repository, verified_manifest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its last line on stderr is the reason where it fails.

    Returns:
        The exit status: 0, 1 for a failure, 130 when interrupted.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        options.run(options)
    except (ModelBuildError, ContractError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; nothing half-made was published", file=sys.stderr)
        return 130
    return 0


def _build(options: argparse.Namespace) -> None:
    api = cluster_api_from_pod() if options.report else None
    reported = reported_sha256(options.report, api) if api else None
    manifest = published_manifest(inputs_from_folder(options.inputs), options.storage, reported=reported)
    if api:
        report_manifest(manifest, options.report, api)
    print(summary_from_manifest(manifest))


def _inspect(options: argparse.Namespace) -> None:
    size = tuple(options.image_size) if options.image_size else None
    print(json.dumps(inspection_from_onnx(options.onnx, output=options.output, image_size=size)))


def _verify(options: argparse.Namespace) -> None:
    manifest = verified_manifest(options.repository)
    measured = all(picture.scores is not None for picture in manifest.golden.pictures)
    scores = "scores as golden" if measured else "no golden scores to compare"
    print(f"plan {manifest.plan_id}: {len(manifest.files)} files as in the manifest, {scores}")


def _describe(options: argparse.Namespace) -> None:
    manifest = manifest_from_repository(options.repository)
    if options.json:
        print(json.dumps(document_from_manifest(manifest), indent=1))
    else:
        print(summary_from_manifest(manifest))


def _inventory(options: argparse.Namespace) -> None:
    print(json.dumps(inventory_of_storage(options.storage)))


def _prune(options: argparse.Namespace) -> None:
    pruned = pruned_storage(options.storage, stack=options.stack, keep=options.keep)
    document = {
        "kept": pruned.kept,
        "pruned": pruned.pruned,
        "namedByOthers": pruned.named_by_others,
        "freeBytes": pruned.free_bytes,
    }
    print(json.dumps(document))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m model_build",
        description="Turn a source model into the model repository that Triton serves.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_commands_of_a_model(commands)
    verify = commands.add_parser(
        "verify",
        help="verify a published plan",
        description="Compare a repository's files with its manifest, and its scores with the golden ones.",
    )
    verify.set_defaults(run=_verify)
    describe = commands.add_parser(
        "describe", help="describe a published plan", description="Show what a repository's manifest says."
    )
    describe.add_argument("--json", action="store_true", help="print the manifest itself")
    describe.set_defaults(run=_describe)
    for command in (verify, describe):
        command.add_argument(
            "--repository", type=Path, required=True, metavar="DIR", help="folder with a manifest.json"
        )
    _add_storage_commands(commands)
    return parser


def _add_commands_of_a_model(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    build = commands.add_parser(
        "build",
        help="build, verify and publish a plan",
        description="Build the plan that the inputs describe, verify it and publish it under its id. A plan "
        "that is published already is verified, and not built again.",
    )
    build.add_argument(
        "--inputs", type=Path, required=True, metavar="DIR", help="folder with spec.json, labels.txt and pictures"
    )
    build.add_argument("--storage", type=Path, required=True, metavar="DIR", help="folder that plans are published on")
    build.add_argument(
        "--report", metavar="CONFIGMAP", help="write the manifest into this ConfigMap of the pod's namespace"
    )
    build.set_defaults(run=_build)

    inspect = commands.add_parser(
        "inspect",
        help="show what a model takes and gives",
        description="Print as JSON the shape and the classes of an ONNX classifier, or why it is refused.",
    )
    inspect.add_argument("--onnx", type=Path, required=True, metavar="FILE", help="the model")
    inspect.add_argument("--output", metavar="NAME", help="of several outputs the one that is served")
    inspect.add_argument(
        "--image-size", type=int, nargs=2, metavar=("H", "W"), help="size of a model that leaves its own open"
    )
    inspect.set_defaults(run=_inspect)


def _add_storage_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    inventory = commands.add_parser(
        "inventory",
        help="show what is on a storage",
        description="Print as JSON which plans are published, which stack names which, and how much space is free.",
    )
    inventory.set_defaults(run=_inventory)
    prune = commands.add_parser(
        "prune",
        help="remove the plans that no stack names any more",
        description="Remove the plans that the stack has named before and that neither it nor another stack names "
        "any more. What it named after the newest that it keeps is kept too. Sources and timing caches stay, and so "
        "does what no stack has ever named.",
    )
    prune.add_argument("--stack", type=_text(STACK), required=True, help="stack whose pruning it is, as in spec.json")
    prune.add_argument(
        "--keep", type=_text(PLAN_ID), required=True, nargs="+", metavar="ID", help="plans that the stack keeps"
    )
    prune.set_defaults(run=_prune)
    for command in (inventory, prune):
        command.add_argument(
            "--storage", type=Path, required=True, metavar="DIR", help="folder that plans are published on"
        )


def _text(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """Accept an argument that matches, and no other."""

    def text(argument: str) -> str:
        if not pattern.fullmatch(argument):
            raise argparse.ArgumentTypeError(f"{argument!r} does not match {pattern.pattern}")
        return argument

    return text


if __name__ == "__main__":
    sys.exit(main())
