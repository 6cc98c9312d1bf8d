"""The reference of the configuration, made from its models.

``python -m infra.config_docs`` prints it, with ``--write`` into ``docs/configuration.md``; a test says so when that
page is not what the models say.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from infra.config import REPOSITORY
from infra.config.groups import Groups
from infra.config.schema import fields_of, kind_of, models_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.fields import FieldInfo

PAGE = REPOSITORY / "docs" / "configuration.md"

_ESCAPED = ("|", r"\|")

_INTRODUCTION = """\
# Configuration

One file a stack, `Pulumi.<stack>.yaml`, is the whole interface; `Pulumi.dev.yaml` spells every group out. Keys that
are not listed here are refused, and so are values of another type. All faults are reported at once, each as one line
with the edit that mends it. A value that is changed by `pulumi config set --path` ends up in the same file.

Relative paths begin at the repository's root. At preview the program reads the labels file, the expected picture and,
of the repository, `images/` and the sources of `model_build/` for their hashes and the scripts of `infra/pod/` that
travel to the pods. A `file://` source is looked for, not read. The program opens no connection; the Kubernetes
provider's own dry run reads the kubeconfig and asks the cluster.

This page is made by `python -m infra.config_docs --write` from the models in `infra/config/`.
"""

_LICENCE = """\
## Licence of the labels

`infra/data/imagenet_labels.txt`, the default of `model.labels`, is the list of the Triton Inference Server's
repository (BSD-3-Clause, Copyright NVIDIA CORPORATION & AFFILIATES), unchanged.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the reference, or write it into its page."""
    parser = argparse.ArgumentParser(description="Make the reference of the configuration from its models.")
    parser.add_argument("--write", action="store_true", help="write docs/configuration.md instead of printing it")
    if parser.parse_args(arguments).write:
        PAGE.write_text(reference(), encoding="utf-8")
    else:
        sys.stdout.write(reference())


def reference() -> str:
    """The reference, as Markdown."""
    return "\n".join([_INTRODUCTION, *_sections(), _LICENCE])


def _sections() -> Iterator[str]:
    for group, field in fields_of(Groups):
        yield f"## `densenet-triton:{group}`\n"
        yield f"{field.description}\n"
        for model in models_of(field.annotation):
            yield from _tables(group, model)


def _tables(path: str, model: type[BaseModel]) -> Iterator[str]:
    """The table of a group, then those of the groups inside it."""
    kind = kind_of(model)
    if kind:
        yield f"### `{path}`, kind `{kind}`\n"
    elif "." in path:
        yield f"### `{path}`\n"
    if kind or "." in path:
        yield f"{(model.__doc__ or '').strip()}\n"
    yield "| key | accepts | default | what it is |\n|---|---|---|---|"
    for name, field in fields_of(model):
        cells = (f"`{name}`", _accepts(field.annotation), _default(field), field.description or "")
        yield f"| {' | '.join(cell.replace(*_ESCAPED) for cell in cells)} |"
    yield ""
    for name, field in fields_of(model):
        for inner in models_of(field.annotation):
            yield from _tables(f"{path}.{name}", inner)


def _accepts(annotation: Any) -> str:
    """The type of a field, in the configuration's words."""
    names = {str: "text", int: "whole number", bool: "true or false"}
    if annotation in names:
        return names[annotation]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if any(models_of(annotation)):
        return "list of groups" if get_origin(annotation) is tuple else "group"
    if get_origin(annotation) is tuple:
        return "list of text"
    if get_origin(annotation) is dict:
        return "keys with text"
    inner = [argument for argument in get_args(annotation) if argument is not type(None)]
    return _accepts(inner[0]) if inner else "path"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return f"required, such as {_code(field.examples[0])}" if field.examples else "required"
    default = field.default
    if default is None or default in ((), {}):
        return "none"
    if isinstance(default, BaseModel):
        return _code(default.model_dump(mode="json", by_alias=True))
    return _code(default if isinstance(default, int) else str(default))


def _code(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`"


if __name__ == "__main__":
    main()
