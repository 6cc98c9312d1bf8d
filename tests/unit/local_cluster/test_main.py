from pathlib import Path

import pytest

from local_cluster.__main__ import main
from local_cluster.errors import PreflightError
from local_cluster.images import Images
from local_cluster.layout import Layout


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_bad_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--name", "prod", "up"]) == 1
    assert "cluster name 'prod'" in one_line(capsys)


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize("command", [["status"], ["load", "x.tar"], ["kubeconfig"], ["logs", "etcd"]])
def test_without_a_cluster_the_status_is_three(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--name", "embedded-test", *command]) == 3
    one_line(capsys)


@pytest.mark.usefixtures("layout")
def test_an_unknown_component_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--name", "embedded-test", "logs", "docker"]) == 1
    assert "no component 'docker': there are etcd, containerd, kube-apiserver" in one_line(capsys)


def test_the_kubeconfigs_path_is_printed_for_any_user(
    layout: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    layout.kubeconfig.touch()

    assert main(["--name", "embedded-test", "kubeconfig"]) == 0
    assert capsys.readouterr().out == f"{layout.kubeconfig}\n"


@pytest.mark.parametrize("command", [["up"], ["check"], ["down"], ["status"], ["load", "x.tar"], ["logs", "etcd"]])
def test_everything_else_needs_root(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert main(["--name", "embedded-test", *command]) == 1
    assert "needs root" in one_line(capsys)


@pytest.mark.usefixtures("layout")
def test_every_fault_of_the_machine_is_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_layout: Layout) -> None:
        raise PreflightError(["no room", "no kernel"])

    monkeypatch.setattr("local_cluster.__main__.check_machine", refuse)

    assert main(["--name", "embedded-test", "check"]) == 1
    assert capsys.readouterr() == ("", "error: no room\nerror: no kernel\n")


@pytest.mark.usefixtures("layout")
def test_a_fit_machine_is_no_word(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.__main__.check_machine", lambda _layout: None)

    assert main(["--name", "embedded-test", "check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_on_another_platform_its_root_is_not_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr("os.geteuid", lambda: 501)

    assert main(["check"]) == 1
    assert "this is linux on arm64" in one_line(capsys)


@pytest.mark.usefixtures("layout")
def test_an_interrupt_says_how_to_go_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("local_cluster.__main__.bring_up", interrupt)

    assert main(["--name", "embedded-test", "up"]) == 130
    assert "the same `up` again goes on from here" in one_line(capsys)


def test_up_imports_the_images_that_are_missing(
    layout: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[tuple[Path, str]] = []
    monkeypatch.setattr("local_cluster.__main__.bring_up", lambda *_, **__: None)
    monkeypatch.setattr(Images, "references", lambda _images: {"localhost/a:1"})
    monkeypatch.setattr(Images, "load", lambda _images, archive, *, reference: loaded.append((archive, reference)))
    layout.lock.parent.mkdir(parents=True, exist_ok=True)

    named = ["--image", "localhost/a:1=/cache/a.tar", "--image", "localhost/b:2=/cache/b.tar"]
    assert main(["--name", "embedded-test", "up", *named]) == 0

    assert loaded == [(Path("/cache/b.tar"), "localhost/b:2")]
    assert capsys.readouterr().out.splitlines()[1:] == ["localhost/a:1 is present", "imported /cache/b.tar"]


def test_an_image_without_its_archive_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--name", "embedded-test", "up", "--image", "localhost/a:1"])

    assert "'localhost/a:1'; accepted: REF=ARCHIVE, such as" in capsys.readouterr().err
