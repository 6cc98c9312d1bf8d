"""A stack's configuration as Pulumi reads it: from its file, the project's defaults, environments, and decrypted."""

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.errors import DeployError, ProgramMissingError, StackUnknownError
from deploy.pulumi.stack import KEY_LINES, PulumiStack
from infra.config import (
    PROJECT,
    StackValues,
    document_from_file,
    is_plain,
    parts_of,
    stack_values_from_yaml,
    value_at_key,
    value_from_text,
    values_in_layers,
    with_value_at_key,
)

_PART = r"[\w.-]*\w[\w.-]*"
_STACK_NAME = re.compile(rf"({_PART}/){{0,2}}{_PART}", re.ASCII)


def require_stack_name(stack: str) -> None:
    """See that a name is a stack's, so that no other file is looked for than the user means.

    Raises:
        DeployError: it is none.
    """
    if not _STACK_NAME.fullmatch(stack):
        raise DeployError(
            f"STACK is {stack!r}; accepted: the middle of Pulumi.<name>.yaml, alone or behind an organization and a "
            "project (acme/densenet-triton/prod); STACK=dev"
        )


def plain_values(file: Path) -> StackValues | None:
    """Read a stack's values from its file; None where only Pulumi can say what they are.

    Raises:
        ConfigError: the file is no stack's file.
    """
    return stack_values_from_yaml(file) if is_plain(document_from_file(file)) else None


def values_as_pulumi_reads(stack: PulumiStack) -> StackValues:
    """Ask Pulumi for a stack's values; where neither it nor the stack is there yet, a plain file says them itself.

    A stack whose file is not plain is made known to the backend for that.

    Raises:
        ConfigError: the base can't be one, or what is secret can't be kept so.
        DeployError: Pulumi can't read the configuration.
    """
    try:
        found = stack.config()
    except (ProgramMissingError, StackUnknownError) as error:
        plain = plain_values(stack.config_file)
        if plain is not None:
            return plain
        if isinstance(error, ProgramMissingError):
            raise
        stack.initialise()
        found = stack.config()
    secret_keys = [key for key, entry in found.items() if entry["secret"]]
    values = {key: value_from_text(entry["value"]) for key, entry in found.items()}
    return values_in_layers(values, stack.config_file, secret_keys=secret_keys)


def write_values(
    file: Path, values: Mapping[str, Any], secrets: Mapping[str, str], stack: Callable[[], PulumiStack]
) -> None:
    """Write a file that says a stack's values, what is secret encrypted as the stack's own is.

    Args:
        file: for this user alone.
        values: full keys.
        secrets: the secret ones of them, by their dotted keys; what `values` has there is not written.
        stack: whose key is used, if there are any.

    Raises:
        DeployError: Pulumi could not encrypt them.
    """
    for name in secrets:
        values = with_value_at_key(values, name, None)
    kept = document_from_file(stack().config_file) if secrets else {}
    document = {line: kept[line] for line in KEY_LINES if line in kept} | {"config": values}
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as written:
        # JSON is YAML whose texts are in quotes: a digest such as 12e5 would be a number to Pulumi
        json.dump(document, written, ensure_ascii=False, indent=2)
    for name, secret in secrets.items():
        stack().set_secret(file, pulumi_path(name), secret)


def pulumi_path(name: str) -> str:
    """A dotted key as `pulumi config --path` takes it."""
    group, *path = parts_of(name)
    return f"{PROJECT}:{group}" + "".join(f'["{part}"]' if "." in part else f".{part}" for part in path)


def secret_values(found: StackValues) -> dict[str, str]:
    """The values that are secret, by their dotted keys.

    Raises:
        DeployError: one of them is no text.
    """
    values = {name: value_at_key(found.values, name) for name in found.secrets}
    if wrong := [name for name, value in values.items() if not isinstance(value, str)]:
        raise DeployError(
            f"{found.file.name}: {PROJECT}:{wrong[0]} is a secret that is no text; accepted: text; mend: "
            f"pulumi config set --path --secret '{PROJECT}:{wrong[0]}' --stack {found.file.stack}"
        )
    return values
