"""A stack's file as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from infra.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class _Loader(yaml.SafeLoader):
    """YAML in which each key stands once, as Pulumi reads it; PyYAML by itself takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's own
        """Construct a mapping, unless a key stands in it twice."""
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if (key.tag, key.value) in lines:
                    first = lines[key.tag, key.value]
                    raise yaml.YAMLError(f"key {key.value} stands in line {first} and again in line {line}")
                lines[key.tag, key.value] = line
        return super().construct_mapping(node, deep=deep)


def document_from_file(path: Path) -> dict[str, Any]:
    """A stack's file as it stands.

    Raises:
        ConfigError: there is no such file, or it is no YAML, or says something twice.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe one
    except FileNotFoundError:
        mend = f"cp {path.with_name('Pulumi.dev.yaml')} {path}"
        raise ConfigError([f"{path}: there is no such file; accepted: a stack's file; mend: {mend}"]) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError([f"{path}: {reason}; accepted: YAML; mend: edit {path}"]) from None
    return document if isinstance(document, dict) else {}


def values_from_document(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What stands under ``config:`` of a stack's file.

    Raises:
        ConfigError: nothing does.
    """
    values = document.get("config")
    if not isinstance(values, dict):
        raise ConfigError([f"{path}: has no `config:`; accepted: a stack's groups; mend: edit {path}"])
    return values
