"""The reference of the configuration, made from its models.

``python -m infra.config_docs`` prints it, with ``--write`` into ``docs/configuration.md``; a test says so when that
page is not what the models say.
"""

from __future__ import annotations

import argparse
import json
import sys
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr

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

Relative paths begin at the repository's root. At preview the program reads the labels file, the pictures that lie on
this disk, which it decodes, and, of the repository, `images/` and what its images copy, for their tags, and the scripts
of `infra/pod/` and `contract/` that travel to the pods. A `file://` source is looked into by a process of its own,
unless the plan is pinned: what it is and what is declared of it must fit. What has an `https://` URL is the build's to
fetch. The program opens no connection; the Kubernetes provider's own dry run reads the kubeconfig and asks the cluster.

This page is made by `python -m infra.config_docs --write` from the models in `infra/config/`.
"""

_ORIGINS = """\
## Where values come from

`make` and the program read a stack's values as Pulumi does, `pulumi config --stack <stack>`. Of two that give a value,
the one that stands first here is taken:

1. `Pulumi.<stack>.yaml`. A stack that is named `organization/project/stack`, as `STACK=acme/densenet-triton/prod`, has
   the file of its last part, `Pulumi.prod.yaml`.
2. A Pulumi ESC environment that the file names under `environment:`, which Pulumi Cloud has.
3. The file of `densenet-triton:base`, another stack: `densenet-triton:base: h800` lays a stack over `Pulumi.h800.yaml`,
   so that it says only what differs, as `Pulumi.h800-patched.yaml` does. Groups are laid over each other key by key,
   lists are replaced, and so is a whole group where its `kind` is another one. `null` gives a key its default back. A
   base has plain values and no base itself. Pulumi knows nothing of it: `pulumi config` shows the stack's own values.
4. `config:` of `Pulumi.yaml`, the project's defaults, a whole group at a time, as Pulumi has it:
   `densenet-triton:gate: {value: {pauseS: 120}}`.

The edit that mends a fault names the file in which the value stands; where that is the base's and what is wrong is
that it does not fit the stack, the stack's own. A file that has neither `secure:` nor
`environment:`, in a project without defaults, is checked before Pulumi is there; any other one as soon as it is.

### Secrets

`model.source.url` may be secret, a signed URL for example, and each key of `endpoint.clients` must be:

```
eval "$(make env STACK=prod)"
pulumi config set --path --secret densenet-triton:model.source.url 'https://…?sig=…'
make client ADD=alice STACK=prod
```

The URL reaches the build in a Kubernetes Secret; of a key the gateway's Secret has a hash. They stand, readable,
nowhere else: in no ConfigMap, output, message, evidence or log; the manifest calls the source `[secret]`, and in the
state they are encrypted. A kept release only says that they are secret. When one goes back, its plan is pinned and
nothing is fetched: it is given the URL that the stack has then, and where it has none, one that is never asked. Who may
ask is today's affair: a release that had clients gets those that the stack has then, so that no key comes back that was
dropped. A promotion takes no clients along.

Any other key that is secret is refused, for the cluster's objects would show its value; a picture that not everybody
may fetch lies in the repository. Of a group in which an ESC environment has a secret Pulumi does not say which value it
is: of `model` the URL is taken for it, of `endpoint` the clients' keys that the file does not say openly, all else is
used openly, and any other group is refused. ESC itself has not been tried, for want of Pulumi Cloud.
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
    return "\n".join([_INTRODUCTION, _ORIGINS, *_sections(), _LICENCE])


def _sections() -> Iterator[str]:
    for group, field in fields_of(Groups):
        yield f"## `densenet-triton:{group}`\n"
        yield f"{field.description}\n"
        described: set[type[BaseModel]] = set()
        for model in models_of(field.annotation):
            yield from _tables(group, model, described)


def _tables(path: str, model: type[BaseModel], described: set[type[BaseModel]]) -> Iterator[str]:
    """The table of a group, then those of the groups inside it that have none yet."""
    described.add(model)
    kind = kind_of(model)
    if kind:
        yield f"### `{path}`, kind `{kind}`\n"
    elif "." in path:
        yield f"### `{path}`\n"
    if kind or "." in path:
        yield f"{cleandoc(model.__doc__ or '')}\n"
    yield "| key | accepts | default | what it is |\n|---|---|---|---|"
    for name, field in fields_of(model):
        cells = (f"`{name}`", _accepts(field.annotation), _default(field), field.description or "")
        yield f"| {' | '.join(cell.replace(*_ESCAPED) for cell in cells)} |"
    yield ""
    for name, field in fields_of(model):
        for inner in models_of(field.annotation):
            if inner not in described:
                yield from _tables(f"{path}.{name}", inner, described)


_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}


def _accepts(annotation: Any) -> str:
    """The type of a field, in the configuration's words."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    if isinstance(annotation, type):
        return "group"
    return _accepts_composed(get_origin(annotation), get_args(annotation))


def _accepts_composed(origin: Any, arguments: Sequence[Any]) -> str:
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is dict:
        return {str: "keys with text", SecretStr: "names with keys"}.get(arguments[1], "group")
    first = _accepts(arguments[0])
    if origin is Annotated:
        return first
    if origin is tuple:
        return f"list of {first}" if first == _WORDS[str] else f"list of {first}s"
    return _accepts_one_of([choice for choice in arguments if choice is not type(None)])


def _accepts_one_of(choices: Sequence[Any]) -> str:
    """A group that stands beside something else is told by its keys."""
    words = [_accepts(choice) for choice in choices]
    if len(set(words)) > 1:
        groups = [next(models_of(choice), None) for choice in choices]
        keys = [[name for name, _ in fields_of(group)] if group else [] for group in groups]
        words = [f"`{{{', '.join(names)}}}`" if names else word for word, names in zip(words, keys, strict=True)]
    return " or ".join(dict.fromkeys(words))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return f"required, such as {_code(field.examples[0])}" if field.examples else "required"
    default = field.default
    if default is None or default in ((), {}):
        return "none"
    if isinstance(default, BaseModel):
        return _code(default.model_dump(mode="json", by_alias=True, exclude_none=True))
    return _code(default if isinstance(default, int) else str(default))


def _code(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`"


if __name__ == "__main__":
    main()
