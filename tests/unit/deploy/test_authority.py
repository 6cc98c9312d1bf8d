from pathlib import Path

import pytest

from deploy.authority import authority_file, noted_authority

STACK = "acme/densenet-triton/dev"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path)}


def test_authority_is_a_file_that_any_program_of_the_user_s_can_read(environment: dict[str, str]) -> None:
    assert authority_file(STACK, environment) is None
    file = noted_authority("PEM", STACK, environment)
    assert file == authority_file(STACK, environment)
    assert file is not None
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("PEM", 0o644)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_authority_that_is_as_before_is_not_written_again(environment: dict[str, str]) -> None:
    before = noted_authority("PEM", STACK, environment)
    assert before is not None
    written = before.stat().st_ino
    assert noted_authority("PEM", STACK, environment) == before
    assert before.stat().st_ino == written
    assert noted_authority("another", STACK, environment) == before
    assert before.read_text() == "another"


def test_authority_that_is_needed_no_more_is_gone_and_no_other_stack_s(environment: dict[str, str]) -> None:
    noted_authority("PEM", STACK, environment)
    noted_authority("PEM", "prod", environment)
    assert noted_authority(None, STACK, environment) is None
    assert (authority_file(STACK, environment), authority_file("prod", environment) is None) == (None, False)
