"""What a configuration's faults are, and what becomes of it by the edits that they propose."""

import json
import re
from typing import Any

import yaml

from infra.config import config_from_values
from infra.errors import ConfigError

_SET = re.compile(r"; mend: in Pulumi\.x\.yaml set ([\w.]+): (.*)")
_REMOVE = re.compile(r"; mend: remove ([\w.]+) from Pulumi\.x\.yaml")


def faults(values: dict[str, Any]) -> list[str]:
    """The lines of what is wrong with the values of a stack `x`; none where they are right."""
    try:
        config_from_values(values, stack="x")
    except ConfigError as error:
        return str(error).splitlines()
    return []


def mended(values: dict[str, Any], line: str) -> dict[str, Any]:
    """The values after the edit that a fault's line proposes."""
    whole: dict[str, Any] = json.loads(json.dumps(values))
    edit = _SET.search(line) or _REMOVE.search(line)
    assert edit, line
    group, *path = edit[1].split(".")
    place: Any = whole[f"densenet-triton:{group}"]
    *outer, last = (int(part) if part.isdigit() else part for part in path)
    for part in outer:
        place = place[part] if isinstance(place, list) else place.setdefault(part, {})
    if edit.re is _SET:
        place[last] = yaml.safe_load(edit[2])
    else:
        del place[last]
    return whole
