import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines import GITHUB, GITLAB, ROOT, commands_of, document_of

BOTH = pytest.mark.parametrize("pipeline", [GITHUB, GITLAB], ids=["github", "gitlab"])
SCHEMA = {GITHUB: "vendor.github-workflows", GITLAB: "vendor.gitlab-ci"}
SHARED_JOBS = ("check", "preview", "images", "gate", "promote")


def actionlint(workflow: Path) -> subprocess.CompletedProcess[str]:
    """Run GitHub's linter, where it is built or installed."""
    listed = subprocess.run(
        [sys.executable, "-m", "tools", "path", "--only", "lint"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    program = shutil.which("actionlint", path=f"{listed.stdout.strip()}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("actionlint is not built: python3 -m tools build --only lint")
    return subprocess.run([program, "-no-color", workflow], check=False, capture_output=True, text=True)


def check_schema(schema: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Compare a file with the schema that the pipeline's maker publishes."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def lines_of(pipeline: Path, job: str) -> list[str]:
    return [line for script in commands_of(pipeline)[job] for line in script.lines.splitlines()]


def all_lines(pipeline: Path) -> list[str]:
    return [line for job in commands_of(pipeline) for line in lines_of(pipeline, job)]


def changed(pipeline: Path, folder: Path, old: str, new: str) -> Path:
    """Copy a pipeline with a fault in it."""
    copy = folder / pipeline.name
    text = pipeline.read_text()
    assert old in text
    copy.write_text(text.replace(old, new, 1))
    return copy


def test_githubs_linter_finds_nothing() -> None:
    result = actionlint(GITHUB)

    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("needs: check", "needs: chek", "chek"),
        ("vars.STAGING != ''", "var.STAGING != ''", 'undefined variable "var"'),
        ("runner.temp", "runner.tmp", 'property "tmp" is not defined'),
    ],
)
def test_githubs_linter_finds_a_fault(old: str, new: str, said: str, tmp_path: Path) -> None:
    result = actionlint(changed(GITHUB, tmp_path, old, new))

    assert result.returncode == 1
    assert said in result.stdout


@BOTH
def test_the_makers_schema_is_kept(pipeline: Path) -> None:
    result = check_schema(SCHEMA[pipeline], pipeline)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("pipeline", "old", "new"),
    [(GITHUB, "runs-on:", "run-on:"), (GITLAB, "resource_group:", "resource_groups:")],
    ids=["github", "gitlab"],
)
def test_a_word_that_the_maker_does_not_know_is_found(pipeline: Path, old: str, new: str, tmp_path: Path) -> None:
    assert check_schema(SCHEMA[pipeline], changed(pipeline, tmp_path, old, new)).returncode == 1


@BOTH
def test_only_targets_that_exist_are_made(pipeline: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    wanted = {found[1] for line in all_lines(pipeline) if (found := re.match(r"(?:sudo )?make (\S+)", line))}

    assert wanted
    assert wanted <= targets


@BOTH
def test_only_verbs_and_options_that_exist_are_run(pipeline: Path) -> None:
    runs = [found.groups() for line in all_lines(pipeline) if (found := re.search(r"-m gate (\w+) (.*)", line))]
    assert {verb for verb, _ in runs} == {"preview", "run", "promote"}

    for verb, rest in runs:
        told = subprocess.run(
            [sys.executable, "-m", "gate", verb, "--help"], cwd=ROOT, check=False, capture_output=True, text=True
        )
        assert told.returncode == 0, told.stderr
        assert set(re.findall(r"--[\w-]+", rest)) <= set(re.findall(r"--[\w-]+", told.stdout))


@BOTH
def test_the_gate_is_not_run_through_make_whose_statuses_are_all_2(pipeline: Path) -> None:
    assert not [line for line in all_lines(pipeline) if re.match(r"make (gate|promote|rollback)", line)]


@pytest.mark.parametrize("job", SHARED_JOBS)
def test_both_pipelines_run_the_same(job: str) -> None:
    """But for root, who GitLab's containers run as."""
    ours = re.compile(r"make |\.venv/|python3 -m tools|skopeo")
    lines = ([line.removeprefix("sudo ") for line in lines_of(pipeline, job)] for pipeline in (GITHUB, GITLAB))

    github, gitlab = ([line for line in found if ours.match(line)] for found in lines)

    assert github
    assert github == gitlab


def test_what_a_pipeline_checks_is_a_part_of_make_test() -> None:
    assert lines_of(GITHUB, "check") == ["make check"]
    recipes = (ROOT / "Makefile").read_text()
    assert re.search(r"^check: lint .*\n\t@\$\(VENV\)/pytest tests/unit -n 2 --dist worksteal$", recipes, re.MULTILINE)
    workers = "-n 2 --dist loadscope --no-loadscope-reorder"
    all_of_it = r'^test: lint .*\n(\t.*\n)*\t@\$\(VENV\)/pytest tests -m "not \(faults or long\) or sample" '
    assert re.search(f"{all_of_it}{workers}$", recipes, re.MULTILINE)


def test_every_action_is_pinned_by_its_commit() -> None:
    used = re.findall(r"uses: (.*)", GITHUB.read_text())

    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", name)] == []


def test_no_expression_stands_in_a_command() -> None:
    """GitHub pastes it in as text: a branch's name would be run."""
    assert not [line for line in all_lines(GITHUB) if "${{" in line]


def test_github_lets_one_run_at_a_time_work_on_a_stack_and_ends_none() -> None:
    jobs = document_of(GITHUB)["jobs"]

    for job, stack in (("gate", "STAGING"), ("promote", "PROD")):
        assert jobs[job]["environment"] == f"${{{{ vars.{stack} }}}}"
        assert jobs[job]["concurrency"] == {"group": f"stack-${{{{ vars.{stack} }}}}", "cancel-in-progress": False}
        assert jobs[job]["steps"][0]["with"]["fetch-depth"] == 0


def test_gitlab_lets_one_run_at_a_time_work_on_a_stack_and_ends_none() -> None:
    document = document_of(GITLAB)

    for job, stack in (("gate", "$STAGING"), ("promote", "$PROD")):
        assert document[job]["environment"] == {"name": stack}
        assert document[job]["resource_group"] == stack
        assert document[job]["interruptible"] is False
    assert document["variables"]["GIT_DEPTH"] == "0"


def test_nothing_is_promoted_without_a_person() -> None:
    (rule,) = document_of(GITLAB)["promote"]["rules"]

    assert rule["when"] == "manual"
    promote = document_of(GITHUB)["jobs"]["promote"]
    assert (promote["environment"], promote["needs"]) == ("${{ vars.PROD }}", "gate")


def test_images_are_left_out_without_a_registry_and_the_gate_is_not() -> None:
    """GitHub leaves out what needs a job that was left out, however indirectly, unless an `if` asks for the result."""
    jobs = document_of(GITHUB)["jobs"]
    assert jobs["images"]["if"] == "vars.STAGING != '' && vars.REGISTRY != '' && github.event_name == 'push'"
    assert jobs["gate"]["needs"] == ["check", "images"]
    assert jobs["gate"]["if"] == (
        "!cancelled() && needs.check.result == 'success' && "
        """contains(fromJSON('["success", "skipped"]'), needs.images.result) """
        "&& vars.STAGING != '' && github.event_name == 'push'"
    )
    assert jobs["promote"]["if"] == "${{ !cancelled() && needs.gate.result == 'success' && vars.PROD != '' }}"

    gitlab = document_of(GITLAB)
    (rule,) = gitlab["images"]["rules"]
    assert rule == {"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $STAGING && $REGISTRY"}
    assert gitlab["stages"].index("images") < gitlab["stages"].index("gate")
    assert "needs" not in gitlab["gate"]


def test_a_request_s_own_code_gets_secrets_of_its_own() -> None:
    """What the deployment may do stands in an environment that only main reaches."""
    github, gitlab = document_of(GITHUB)["jobs"], document_of(GITLAB)

    assert github["preview"]["environment"] == "${{ vars.STAGING }}-preview"
    assert gitlab["preview"]["environment"] == {"name": "$STAGING-preview", "action": "access"}
    for job in ("images", "gate"):
        assert github[job]["environment"] == "${{ vars.STAGING }}"
        assert gitlab[job]["environment"]["name"] == "$STAGING"


def test_every_image_that_gitlab_runs_is_pinned_by_its_digest() -> None:
    document = document_of(GITLAB)
    images = [part["image"] for part in document.values() if isinstance(part, dict) and "image" in part]

    assert images
    assert [image for image in images if not re.fullmatch(r"\S+:\S+@sha256:[0-9a-f]{64}", image)] == []


@BOTH
def test_the_evidence_is_kept_whatever_the_verdict(pipeline: Path) -> None:
    document = document_of(pipeline)

    for job in ("gate", "promote"):
        if pipeline == GITLAB:
            kept = document[job]["artifacts"]
            assert (kept["when"], kept["paths"]) == ("always", ["evidence/"])
            assert kept["reports"] == {"junit": "evidence/*/*/junit.xml"}
        else:
            *_, summary, upload = document["jobs"][job]["steps"]
            assert (summary["if"], upload["if"], upload["with"]["path"]) == ("always()", "always()", "evidence/")


@BOTH
def test_a_token_stands_in_no_argument(pipeline: Path) -> None:
    """Other processes see arguments; a shell's own input they do not."""
    secret = re.compile(r"\$\w*(TOKEN|PASSPHRASE|PASSWORD|TEXT)")

    told = [line for line in all_lines(pipeline) if secret.search(line)]

    assert told
    assert [line for line in told if secret.search(line.partition("<<<")[0])] == []
