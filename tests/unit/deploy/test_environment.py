import json
import shlex
from pathlib import Path

import pytest

from deploy.environment import deployment_environment, shown_environment


@pytest.fixture(autouse=True)
def _a_user_without_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "PULUMI_BACKEND_URL",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi-home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_a_user_without_a_login_gets_a_file_backend_of_his_own(tmp_path: Path) -> None:
    assert deployment_environment()["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state/densenet-triton/pulumi"


def test_a_named_backend_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")

    assert deployment_environment()["PULUMI_BACKEND_URL"] == "s3://states"


def test_a_login_is_kept(tmp_path: Path) -> None:
    (tmp_path / "pulumi-home").mkdir()
    (tmp_path / "pulumi-home" / "credentials.json").write_text(json.dumps({"current": "https://pulumi.example"}))

    assert "PULUMI_BACKEND_URL" not in deployment_environment()


def test_the_passphrase_is_the_owners_alone_and_stays_the_same() -> None:
    first = Path(deployment_environment()["PULUMI_CONFIG_PASSPHRASE_FILE"])
    passphrase = first.read_text()
    second = Path(deployment_environment()["PULUMI_CONFIG_PASSPHRASE_FILE"])

    assert first.stat().st_mode & 0o777 == 0o600
    assert (second, second.read_text()) == (first, passphrase)
    assert len(passphrase) >= 32


def test_a_users_passphrase_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "his own")

    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in deployment_environment()


def test_what_is_shown_is_what_a_shell_can_eval() -> None:
    environment = {"PATH": "/a b:/it's", "PULUMI_BACKEND_URL": "file:///x", "HOME": "/h", "KUBECONFIG": "/theirs"}

    shown = shown_environment(environment, "dev", kubeconfig=None)

    assert [shlex.split(line) for line in shown.splitlines()] == [
        ["export", "PATH=/a b:/it's"],
        ["export", "PULUMI_BACKEND_URL=file:///x"],
        ["export", "PULUMI_STACK=dev"],
    ]


def test_the_stack_s_kubeconfig_is_shown_for_plain_kubectl() -> None:
    shown = shown_environment({"PATH": "/bin", "KUBECONFIG": "/theirs"}, "dev", kubeconfig=Path("/var/lib/a b/config"))

    assert shlex.split(shown.splitlines()[-1]) == ["export", "KUBECONFIG=/var/lib/a b/config"]
