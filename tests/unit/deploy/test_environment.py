import json
import shlex
from pathlib import Path

import pytest

from deploy import environment
from deploy.environment import deployment_environment, ensure_tools, shown_environment
from tools.cache import Cache
from tools.catalogue import catalogue


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

    shown = shown_environment(environment, "dev", kubeconfig=None, authority=None)

    assert [shlex.split(line) for line in shown.splitlines()] == [
        ["export", "PATH=/a b:/it's"],
        ["export", "PULUMI_BACKEND_URL=file:///x"],
        ["export", "PULUMI_STACK=dev"],
    ]


@pytest.mark.parametrize("named", [None, ""])
def test_pulumi_looks_for_its_plugins_where_the_tools_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PULUMI_HOME") if named is None else monkeypatch.setenv("PULUMI_HOME", named)

    assert deployment_environment()["PULUMI_HOME"] == str(tmp_path / ".pulumi")


def test_the_tools_that_were_made_ready_are_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "output_of", lambda *_: pytest.fail("tools were asked"))
    monkeypatch.setenv("PATH", "/usr/bin")

    found = deployment_environment({"PATH": "/tools/bin", "DENSENET_TOOLS_SHARE": "/tools/share"})

    assert (found["PATH"], found["DENSENET_TOOLS_SHARE"]) == ("/tools/bin:/usr/bin", "/tools/share")


def test_a_users_own_setting_of_go_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGC", "50")

    assert deployment_environment()["GOGC"] == "50"


def test_what_makes_the_tools_ready_says_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache = Cache.of_user()
    for tool in catalogue():
        (cache.product(tool) / "bin").mkdir(parents=True)

    found = ensure_tools(embedded=False)

    assert Path(found["DENSENET_TOOLS_SHARE"]).is_relative_to(cache.folder)
    assert found["PATH"].endswith("/tools/bin")


def test_the_stack_s_kubeconfig_is_shown_for_plain_kubectl() -> None:
    own = Path("/var/lib/a b/config")
    shown = shown_environment({"PATH": "/bin", "KUBECONFIG": "/theirs"}, "dev", kubeconfig=own, authority=None)

    assert shlex.split(shown.splitlines()[-1]) == ["export", "KUBECONFIG=/var/lib/a b/config"]


def test_the_authority_that_clients_trust_is_shown_for_curl() -> None:
    shown = shown_environment({"PATH": "/bin"}, "dev", kubeconfig=None, authority=Path("/home/me/dev.ca.pem"))

    assert shlex.split(shown.splitlines()[-1]) == ["export", "DENSENET_TRITON_CA=/home/me/dev.ca.pem"]
