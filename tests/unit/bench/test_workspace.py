from pathlib import Path

import yaml

from bench.workspace import workspace_of_commit


def test_a_commit_gets_a_clone_a_stack_and_a_state_of_its_own(tmp_path: Path) -> None:
    workspace = workspace_of_commit("HEAD", tmp_path, "embedded-bench-base")
    workspace.write_stack("bench")

    assert workspace.git("status", "--short") == "?? Pulumi.bench.yaml\n"
    assert workspace.environment["XDG_STATE_HOME"] == str(tmp_path / "state")
    groups = yaml.safe_load((workspace.folder / "Pulumi.bench.yaml").read_text())["config"]
    assert groups["densenet-triton:cluster"]["context"] == "embedded-bench-base"
