import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from deploy import commands
from gate.before import checkout
from gate.before.checkout import commit_of_checkout, program_of_commit, remove_programs
from gate.errors import FailedError, RefusedError

ENVIRONMENT = dict(os.environ)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    monkeypatch.setattr(commands, "ROOT", folder)
    monkeypatch.setattr(checkout, "ROOT", folder)
    return folder


def committed(clone: Path, text: str) -> str:
    (clone / "program.py").write_text(text)
    git(clone, "init", "--quiet")
    git(clone, "add", "--all")
    git(clone, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--message=one")
    return git(clone, "rev-parse", "HEAD")


def git(clone: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=clone, check=True, capture_output=True, text=True).stdout.strip()


def test_a_clean_checkout_is_its_commit(clone: Path) -> None:
    commit = committed(clone, "1")
    (clone / "Pulumi.mine.yaml").write_text("config: {}")

    assert commit_of_checkout(ENVIRONMENT, [Path("program.py")]) == commit


@pytest.mark.parametrize("name", ["program.py", "new.py", "infra/Pulumi.mine.yaml", "Pulumi.yaml"])
def test_what_no_commit_holds_is_refused(clone: Path, name: str) -> None:
    committed(clone, "1")
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).write_text("2")

    with pytest.raises(RefusedError, match=rf"what no commit holds: {name}; .*git commit it"):
        commit_of_checkout(ENVIRONMENT, [])


def test_a_folder_that_is_no_clone_is_refused(clone: Path) -> None:
    assert clone.is_dir()
    with pytest.raises(RefusedError, match="git does not say which commit this is"):
        commit_of_checkout(ENVIRONMENT, [])


def test_a_file_outside_of_the_checkout_is_refused(clone: Path) -> None:
    committed(clone, "1")

    with pytest.raises(RefusedError, match=r"/elsewhere/mug\.png.* lies outside"):
        commit_of_checkout(ENVIRONMENT, [Path("/elsewhere/mug.png")])


def test_an_absolute_path_means_nothing_in_another_checkout(clone: Path) -> None:
    committed(clone, "1")

    with pytest.raises(RefusedError, match=r"a relative path; write program\.py$"):
        commit_of_checkout(ENVIRONMENT, [clone / "program.py"])


def test_a_file_that_git_ignores_is_in_no_commit(clone: Path) -> None:
    (clone / ".gitignore").write_text("mine.txt")
    (clone / "mine.txt").write_text("a label")
    committed(clone, "1")

    with pytest.raises(RefusedError, match=r"mine\.txt, .* is in no commit; .* git add --force mine\.txt"):
        commit_of_checkout(ENVIRONMENT, [Path("mine.txt")])


def test_an_earlier_commits_program_is_as_it_was(clone: Path, tmp_path: Path) -> None:
    commit = committed(clone, "1")
    (clone / "program.py").write_text("2")

    program = program_of_commit(commit, tmp_path / "programs", ENVIRONMENT)

    assert (program / "program.py").read_text() == "1"
    assert [path.name for path in (tmp_path / "programs").iterdir()] == [commit]


def test_a_python_without_filters_for_archives_does(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3.11.2, which Debian 12 has, is one."""
    newer = tarfile.TarFile.extractall

    def older(self: tarfile.TarFile, path: Path) -> None:
        newer(self, path)

    monkeypatch.delattr(tarfile, "data_filter")
    monkeypatch.setattr(tarfile.TarFile, "extractall", older)

    program = program_of_commit(committed(clone, "1"), tmp_path / "programs", ENVIRONMENT)

    assert (program / "program.py").read_text() == "1"


def test_a_commit_that_is_nowhere_is_named_with_the_cure(clone: Path, tmp_path: Path) -> None:
    committed(clone, "1")

    with pytest.raises(FailedError, match=r"commit 000000000000 is not in this clone.*git fetch --unshallow"):
        program_of_commit("0" * 40, tmp_path / "programs", ENVIRONMENT)

    assert list((tmp_path / "programs").iterdir()) == []


def test_only_the_programs_of_kept_releases_stay_and_what_is_being_laid_out(tmp_path: Path) -> None:
    for name in ("a", "b", ".abc.scratch"):
        (tmp_path / name).mkdir()

    remove_programs(tmp_path, ["b"])

    assert {path.name for path in tmp_path.iterdir()} == {"b", ".abc.scratch"}
