from gate.before.forecast import Forecast
from gate.before.preview import PolicyResult, Preview, Step
from gate.before.preview_markdown import markdown_from_preview

STEPS = (
    Step(urn="u", type="kubernetes:apps/v1:Deployment", name="triton", op="update", changed=("spec.replicas",)),
    Step(urn="v", type="kubernetes:core/v1:Service", name="service", op="same"),
)
MARK = "<!-- densenet-triton: preview of staging -->"
FORECAST = Forecast(lines=("downtime: none expected",), downtime_s=0)


def test_what_changes_is_named_and_what_stays_is_counted() -> None:
    text = markdown_from_preview("staging", Preview(steps=STEPS, rules=("limits",)), FORECAST, refusals=[])

    assert text.startswith(f"{MARK}\n## staging: 1 same, 1 update\n")
    assert "- update `Deployment` `triton`: spec.replicas\n" in text
    assert "Service" not in text
    assert "### Traffic\n\n- downtime: none expected\n" in text
    assert "### Policies (1 rules)\n\n- nothing found\n" in text


def test_a_refusal_stands_in_the_first_line_with_its_reasons() -> None:
    found = PolicyResult(name="limits", level="mandatory", resource="u", message="no memory limit")
    preview = Preview(steps=STEPS, rules=("limits",), policies=(found,), errors=("preview failed",))

    reasons = ["policy limits: no memory limit", "no labels"]
    text = markdown_from_preview("staging", preview, FORECAST, refusals=reasons)

    assert text.startswith(
        f"{MARK}\n## staging: refused\n\n### Refused\n\n- policy limits: no memory limit\n- no labels\n"
    )
    assert text.count("no memory limit") == 1
    assert "### Policies (1 rules)\n\n- nothing else found\n" in text


def test_advice_stands_beside_a_refusal() -> None:
    advice = PolicyResult(name="known-faults", level="advisory", resource="u", message="2.51 has a fix")

    text = markdown_from_preview("staging", Preview(steps=(), policies=(advice,)), FORECAST, refusals=["no labels"])

    assert "- advisory: known-faults: 2.51 has a fix\n" in text
