"""Fields of a stack's objects that somebody else has taken for his own, as the API server names them."""

import re
from collections.abc import Iterator, Sequence

_FORCE = "PULUMI_K8S_ENABLE_PATCH_FORCE=true"
_REPORTED = "apply conflict: Apply failed with"
_OBJECT = re.compile(r'reported that "([^"]+)"|resource "?([^\s"]+/[^\s"]+)"? was not')
_CONFLICT = re.compile(r'conflicts? with "([^"]+)"[^:\n]*:((?:[ \t]*\.\S.*)|(?:(?:\s*\n\s*- \.\S.*)+))')


def conflict_lines(errors: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each object and each manager that holds fields of it.

    Pulumi takes back what `kubectl` has scaled, edited or patched; not what somebody has applied on the server's side.

    Args:
        errors: URN and text, as Pulumi's engine says them.
    """
    return list(dict.fromkeys(line for urn, text in errors for line in _lines(urn, text)))


def _lines(urn: str, text: str) -> Iterator[str]:
    if _REPORTED not in text:
        return
    kind = urn.rpartition("::")[0].rpartition(":")[2] or "an object"
    named = _OBJECT.search(text)
    name = next(filter(None, named.groups())) if named else urn.rpartition("::")[2]
    for manager, fields in _CONFLICT.findall(text):
        held = ", ".join(field.strip() for field in re.split(r"\n\s*- ", fields) if field.strip())
        yield (
            f"{kind} {name}: {held} is held by field manager {manager!r}, which has applied another value than the "
            f"stack declares; accepted: fields that are the stack's alone; have {manager!r} let go of it, or take it "
            f"over: the same command once more, with {_FORCE} in its environment"
        )
