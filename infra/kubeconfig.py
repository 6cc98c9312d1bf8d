"""The part of a kubeconfig that a stack's cluster needs, as a text that means the same on every machine."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

_FILES = ("certificate-authority", "client-certificate", "client-key")
"""Keys that name a file; with `-data` behind them they hold what is in it."""


def kubeconfig_text(path: Path, context: str) -> str | None:
    """Read one context's cluster and user out of a kubeconfig, with the certificates that it names in files.

    What can't be found in it is left for Kubernetes' own client to say.

    Args:
        path: the file.
        context: the context's name.

    Returns:
        YAML, or None where the file is not there or can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    try:
        return yaml.safe_dump(_only(document, context, path), sort_keys=True)
    except (KeyError, TypeError, AttributeError, OSError):
        return text


def _only(document: dict[str, Any], context: str, path: Path) -> dict[str, Any]:
    chosen = _named(document, "contexts", context)
    kept = {
        "clusters": _named(document, "clusters", chosen["context"]["cluster"]),
        "contexts": chosen,
        "users": _named(document, "users", chosen["context"]["user"]),
    }
    for kind in ("cluster", "user"):
        entry = kept[f"{kind}s"]
        entry[kind] = _with_contents(entry[kind], path)
    lists = {key: [entry] for key, entry in kept.items()}
    return {"apiVersion": "v1", "kind": "Config", "current-context": context, **lists}


def _named(document: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    for entry in document[kind]:
        if entry["name"] == name:
            return dict(entry)
    raise KeyError(name)


def _with_contents(entry: dict[str, Any], path: Path) -> dict[str, Any]:
    """An entry with its files' contents; relative names begin at the kubeconfig's folder, and data goes first."""
    held = dict(entry)
    for key in _FILES:
        file, data = held.pop(key, None), f"{key}-data"
        if file and not held.get(data):
            held[data] = base64.b64encode((path.parent / file).read_bytes()).decode("ascii")
    return held
