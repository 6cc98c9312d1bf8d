"""One comment on each request, renewed with each push: the pipelines' own lines, with stand-ins for the two servers."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines import GITHUB, GITLAB, commands_of

MARK = "<!-- densenet-triton: preview of staging -->"
PREVIEW = f"{MARK}\n## staging: 1 update\n"
OTHERS = ["looks good", f"as it said:\n{MARK}", "<!-- densenet-triton: preview of prod -->\n## prod: 1 same"]

# They note what they are asked and answer a question for the comments with those that there are: `gh` through jq, as
# the real one does with its own.
GH = """#!/bin/bash
printf '%s\\n' "$*" >> "$0.calls"
for word; do
  [ "$before" = --jq ] && filter=$word
  [[ $word = body=@* ]] && cp "${word#body=@}" "$0.body"
  before=$word
done
[ -z "$filter" ] || jq --raw-output "$filter" "$0.comments"
"""
CURL = """#!/bin/bash
printf '%s\\n' "$*" >> "$0.calls"
cat >> "$0.headers"
[[ $* = *per_page* ]] && cat "$0.comments"
exit 0
"""


def comment(folder: Path, program: str, text: str, comments: Sequence[dict[str, Any]]) -> list[str]:
    """Run the last shell of a preview's job in a folder that has a preview; return how the program was called."""
    stand_in = folder / program
    stand_in.write_text(text)
    stand_in.chmod(0o755)
    (folder / f"{program}.comments").write_text(json.dumps(comments))
    (folder / "evidence").mkdir(exist_ok=True)
    (folder / "evidence" / "preview.md").write_text(PREVIEW)
    environment = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "GITLAB_TOKEN": "a-token",
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
    }
    values = {
        "vars.STAGING": "staging",
        "vars.PROD": "",
        "vars.PULUMI_BACKEND_URL": "",
        "github.token": "a-token",
        "github.repository": "team/project",
        "github.event.pull_request.number": "7",
    }
    script = commands_of(GITHUB if program == "gh" else GITLAB)["preview"][-1]
    result = script.run(folder, environment, values=values)
    assert result.returncode == 0, result.stderr
    return (folder / f"{program}.calls").read_text().splitlines()


def bodies(*texts: str) -> list[dict[str, Any]]:
    """Comments, with numbers from 40 on."""
    return [{"id": number, "body": text} for number, text in enumerate(texts, 40)]


needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq stands for gh's own")


@needs_jq
def test_github_gets_a_first_comment(tmp_path: Path) -> None:
    *_, call = comment(tmp_path, "gh", GH, bodies(*OTHERS))

    assert call == ("api --silent --method POST repos/team/project/issues/7/comments --field body=@evidence/comment.md")
    assert (tmp_path / "gh.body").read_text() == PREVIEW


@needs_jq
def test_github_s_comment_of_last_time_is_renewed_whoever_wrote_since(tmp_path: Path) -> None:
    *_, call = comment(tmp_path, "gh", GH, bodies(*OTHERS, f"{MARK}\n## staging: refused", "thanks"))

    assert call == "api --silent --method PATCH repos/team/project/issues/comments/43 --field body=@evidence/comment.md"
    assert (tmp_path / "gh.body").read_text() == PREVIEW


NOTES = "https://gitlab.example/api/v4/projects/3/merge_requests/7/notes"


def test_gitlab_gets_a_first_note(tmp_path: Path) -> None:
    *_, call = comment(tmp_path, "curl", CURL, bodies(*OTHERS))

    assert "--request POST" in call
    assert "--data-urlencode body@evidence/preview.md" in call
    assert call.endswith(f" {NOTES}")


def test_gitlab_s_note_of_last_time_is_renewed_whoever_wrote_since(tmp_path: Path) -> None:
    asked, call = comment(tmp_path, "curl", CURL, bodies(*OTHERS, f"{MARK}\n## staging: refused", "thanks"))

    assert asked.endswith(f" {NOTES}?sort=asc&per_page=100")
    assert "--request PUT" in call
    assert call.endswith(f" {NOTES}/43")
    assert set((tmp_path / "curl.headers").read_text().splitlines()) == {"PRIVATE-TOKEN: a-token"}
