"""A preview for people: Markdown for a pull request."""

from collections import Counter
from collections.abc import Iterator, Sequence

from gate.before.forecast import Forecast
from gate.before.preview import Preview, Step

_UNCHANGED = frozenset({"same", "read"})


def markdown_from_preview(stack: str, preview: Preview, forecast: Forecast, *, refusals: Sequence[str]) -> str:
    """Say what a deployment would do.

    The first line is a mark that nobody sees: by it a pipeline finds its own comment of last time.

    Args:
        stack: its name.
        preview: what Pulumi said.
        forecast: what it means for traffic.
        refusals: why the gate would not deploy it; mandatory policies that are violated are among them.
    """
    return "\n".join(_lines(stack, preview, forecast, refusals)) + "\n"


def _lines(stack: str, preview: Preview, forecast: Forecast, refusals: Sequence[str]) -> Iterator[str]:
    counts = Counter(step.op for step in preview.steps)
    changes = ", ".join(f"{count} {op}" for op, count in sorted(counts.items())) or "no resource"
    yield f"<!-- densenet-triton: preview of {stack} -->"
    yield f"## {stack}: {'refused' if refusals else changes}\n"
    yield from _section("Refused", refusals)
    yield from _section("Traffic", forecast.lines)
    yield from _section("Resources", [_step(step) for step in preview.steps if step.op not in _UNCHANGED])
    found = [f"{each.level}: {each.name}: {each.message}" for each in preview.policies if each.level == "advisory"]
    nothing = "nothing else found" if preview.violations else "nothing found"
    yield from _section(f"Policies ({len(preview.rules)} rules)", found or [nothing])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"### {title}\n"
        yield from (f"- {line}" for line in lines)
        yield ""


def _step(step: Step) -> str:
    what = f"{step.op} `{step.type.rpartition(':')[2]}` `{step.name}`"
    return f"{what}: {', '.join(step.changed)}" if step.changed else what
