"""What one run of the gate saw: one JSON document, its schema, and the way back from the text.

``python -m gate.evidence.document`` writes the schema anew from these models; a test says so when the file is another.
"""

import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeFloat, ValidationError
from pydantic.alias_generators import to_camel

from gate.errors import GateError

SCHEMA: Final = 1
SCHEMA_FILE = Path(__file__).with_name("evidence.schema.json")

PhaseName = Literal["node", "pull", "build", "load", "warm-up", "ready", "proven"]


class Record(BaseModel):
    """A part of the evidence: frozen, unknown keys refused; JSON has the camelCase names, and they alone."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        json_schema_serialization_defaults_required=True,
    )


class Gpu(Record):
    """The GPU that a plan is tied to."""

    product: str = Field(description="As the node label nvidia.com/gpu.product has it.")
    compute_capability: str
    driver: str


class Subject(Record):
    """A release as it runs, or ran; of one that was not deployed, what the configuration says."""

    commit: str = Field(description="Git's full name of the commit whose program declared it.")
    stack: str
    namespace: str
    model_name: str
    plan_id: str
    manifest_sha256: str | None = Field(default=None, description="Digest of the manifest as canonical JSON.")
    images: dict[str, str] = Field(
        default_factory=dict, description="Reference with digest, container by container, as the node reports it."
    )
    nodes: tuple[str, ...] = Field(default=(), description="Names of the nodes that its pods run on, sorted.")
    gpu: Gpu | None = Field(default=None, description="None on CPU.")
    url: str | None = None


class Check(Record):
    """One question and its answer."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    seconds: NonNegativeFloat
    figures: dict[str, FiniteFloat] = Field(default_factory=dict, description="What was measured; units in the names.")
    message: str = Field(default="", description="Why it failed or was skipped.")


class PolicyOutcome(Record):
    """What a policy found fault with."""

    policy: str
    level: Literal["advisory", "mandatory"]
    resource: str
    message: str


class Deployment(Record):
    """How `pulumi up` went."""

    seconds: NonNegativeFloat
    outcome: Literal["succeeded", "failed", "interrupted"]
    reasons: tuple[str, ...] = ()


class SmokeRun(Record):
    """One run of the smoke tests against the URL and every replica."""

    when: Literal["after", "after the pause", "restored"]
    seconds: NonNegativeFloat
    checks: tuple[Check, ...]
    way: Literal["open", "unreached", "turned away"] = Field(
        default="open",
        description="Whether the URL could be asked: not reached within endpoint.timeoutS, or turned away at its door"
        " (401, 403, 407, 429, a redirect). Of what serves behind it both say nothing.",
    )

    @property
    def proven(self) -> bool:
        """Whether something was asked and every answer was right; where nothing was asked, nothing is proven."""
        outcomes = {check.outcome for check in self.checks}
        return self.way == "open" and "passed" in outcomes and "failed" not in outcomes


class Phase(Record):
    """How long one part of the way to an answer took."""

    name: PhaseName
    seconds: NonNegativeFloat | None = Field(description="None where it is unknown or was not part of this run.")


class Verdict(Record):
    """How the run ended."""

    status: Literal[0, 1, 2, 3, 130] = Field(description="The gate's exit status.")
    reasons: tuple[str, ...] = ()
    serving: str | None = Field(default=None, description="The release that serves now.")
    served_s: NonNegativeFloat | None = Field(
        default=None, description="How long a candidate that was found wrong later was serving, in seconds."
    )


class Evidence(Record):
    """Everything that one run of the gate saw."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    run: str = Field(pattern=r"^\d{8}T\d{6}Z$", description="The run's id, and its release's: when it began, UTC.")
    stack: str
    action: Literal["deploy", "promote", "rollback"]
    started_at: AwareDatetime
    finished_at: AwareDatetime
    candidate: Subject
    previous: Subject | None = Field(default=None, description="The last good release.")
    before: tuple[Check, ...] = Field(default=(), description="Checks before anything was changed.")
    policies: tuple[PolicyOutcome, ...] = ()
    forecast: tuple[str, ...] = Field(default=(), description="What the preview said of a user's traffic.")
    deployment: Deployment | None = Field(default=None, description="None where it was refused beforehand.")
    smoke: tuple[SmokeRun, ...] = ()
    phases: tuple[Phase, ...] = ()
    differences: tuple[str, ...] = Field(default=(), description="From the last good release.")
    verdict: Verdict


def json_from_evidence(evidence: Evidence) -> str:
    """Return the document that `evidence_from_json` reads."""
    return evidence.model_dump_json(by_alias=True, indent=2) + "\n"


def evidence_from_json(text: str, where: str) -> Evidence:
    """Read a run's evidence.

    Args:
        text: the document.
        where: what the text came from, for the error: a path.

    Raises:
        GateError: one line; it is of another schema, or none at all.
    """
    accepted = f"accepted: evidence of schema {SCHEMA}; mend: read it with the commit of this project that wrote it"
    try:
        document = json.loads(text)
    except ValueError as error:
        raise GateError(f"{where} is not JSON ({error}); {accepted}") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if type(schema) is not int or schema != SCHEMA:
        raise GateError(f"{where} is evidence of schema {json.dumps(schema)}; {accepted}")
    try:
        return Evidence.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        key = ".".join(map(str, first["loc"]))
        more = f" (and {len(others)} more)" if others else ""
        raise GateError(f"{where}: {key}: {first['msg']}{more}; {accepted}") from None


def schema_text() -> str:
    """Return the JSON schema of the evidence, as its file holds it."""
    made = Evidence.model_json_schema(by_alias=True, mode="serialization")
    named: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:densenet-triton:evidence:{SCHEMA}",
        "version": SCHEMA,
    }
    return json.dumps(named | made, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
