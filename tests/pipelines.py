"""What the pipelines run, read from their files, so that tests can run the very same lines."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github" / "workflows" / "deploy.yml"
GITLAB = ROOT / ".gitlab-ci.yml"
# strict as GitHub's `shell: bash` and GitLab's runner are
_SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
_EXPRESSION = re.compile(r"\$\{\{ ([\w.]+) \}\}")


@dataclass(frozen=True, kw_only=True)
class Script:
    """What one shell of a job runs: a step of GitHub's, or GitLab's `script` or `after_script`.

    Attributes:
        lines: the shell's input.
        variables: what the pipeline's file sets for it; GitHub's expressions are still in them.
    """

    lines: str
    variables: dict[str, str] = field(default_factory=dict)

    def run(
        self, folder: Path, environment: Mapping[str, str], *, values: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run the lines as a runner does, and return what they printed, whatever the status.

        Args:
            folder: the checkout.
            environment: what the runner's own environment holds.
            values: what each of GitHub's expressions stands for, `vars.STAGING` for example.

        Raises:
            KeyError: an expression has no value.
        """
        set_here = {
            name: _EXPRESSION.sub(lambda found: values[found[1]], text) for name, text in self.variables.items()
        }
        return subprocess.run(
            [*_SHELL, self.lines], cwd=folder, env={**environment, **set_here},
            check=False, capture_output=True, text=True, timeout=3600,
        )  # fmt: skip


def document_of(pipeline: Path) -> dict[str, Any]:
    """Return what a pipeline's file says."""
    found = yaml.safe_load(pipeline.read_text())
    assert isinstance(found, dict)
    return found


def commands_of(pipeline: Path) -> dict[str, list[Script]]:
    """Return each job's shells, in the order in which they run."""
    document = document_of(pipeline)
    if pipeline == GITHUB:
        return {name: _github_scripts(document, job) for name, job in document["jobs"].items()}
    return {name: _gitlab_scripts(job) for name, job in document.items() if isinstance(job, dict) and "script" in job}


def _github_scripts(document: dict[str, Any], job: dict[str, Any]) -> list[Script]:
    shared = document.get("env", {}) | job.get("env", {})
    return [Script(lines=step["run"], variables=shared | step.get("env", {})) for step in job["steps"] if "run" in step]


def _gitlab_scripts(job: dict[str, Any]) -> list[Script]:
    parts = (job["script"], job.get("after_script", []))
    return [Script(lines="\n".join(lines)) for lines in parts if lines]
