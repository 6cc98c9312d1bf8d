import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.errors import DeployError
from deploy.sources import stage_source
from infra.config import REPOSITORY, StackConfig, config_from_values

MODEL = b"an ONNX file's bytes"
DIGEST = hashlib.sha256(MODEL).hexdigest()
PODS_USER = 1000
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


def stack(storage: Path, **source: Any) -> StackConfig:
    values = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    values["densenet-triton:storage"]["path"] = str(storage)
    values["densenet-triton:model"]["source"] = source
    return config_from_values(
        values,
        stack="dev",
        inspect=lambda _source, _path: {"shape": [3, 224, 224], "classes": 1000, "wholeNumbers": False},
    )


def stage(storage: Path, model: Path) -> None:
    stage_source(stack(storage, kind="onnx", url=f"file://{model}", sha256=DIGEST))


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A storage as `make up` makes it: the pods' user's, where the tests may give something away."""
    folder = tmp_path / "storage"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, PODS_USER, PODS_USER)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "a model.onnx"
    path.write_bytes(MODEL)
    return path


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder that nobody but root may change, with a file; /etc, say."""
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o700)
    (folder / "shadow").write_text("secret")
    (folder / "shadow").chmod(0o600)
    return folder


def as_it_is(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Owner, mode and content of a folder and of its files."""
    return {
        path.name: (path.stat().st_uid, path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in [folder, *folder.iterdir()]
    }


def test_a_local_model_is_staged_by_its_digest_for_pods_to_read_and_not_to_change(storage: Path, model: Path) -> None:
    stage(storage, model)

    staged = storage / "sources" / DIGEST
    assert staged.read_bytes() == MODEL
    for path, mode in ((staged, 0o644), (staged.parent, 0o755)):
        assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (os.geteuid(), mode)
    assert [path.name for path in staged.parent.iterdir()] == [DIGEST]


def test_what_is_staged_is_not_copied_again(storage: Path, model: Path) -> None:
    stage(storage, model)
    before = (storage / "sources" / DIGEST).stat()
    config = stack(storage, kind="onnx", url=f"file://{model}", sha256=DIGEST)
    model.write_bytes(b"another model by now")

    stage_source(config)

    assert (storage / "sources" / DIGEST).stat() == before


def test_a_model_of_another_digest_is_refused_and_not_staged(storage: Path, model: Path) -> None:
    """It was the right one when the configuration was read."""
    config = stack(storage, kind="onnx", url=f"file://{model}", sha256=DIGEST)
    model.write_bytes(b"another model by now")

    with pytest.raises(DeployError, match=DIGEST):
        stage_source(config)

    assert list((storage / "sources").iterdir()) == []


def test_a_link_to_a_folder_is_not_followed(storage: Path, model: Path, victim: Path) -> None:
    before = as_it_is(victim)
    (storage / "sources").symlink_to(victim)

    with pytest.raises(DeployError, match=r"/storage/sources is a link, .*; remove it: rm /\S*/storage/sources$"):
        stage(storage, model)

    assert as_it_is(victim) == before


@pytest.mark.parametrize("target", ["etc/shadow", "etc", "nothing"], ids=["file", "folder", "dangling"])
def test_a_link_under_the_digest_s_name_is_not_taken_for_the_file(
    storage: Path, model: Path, victim: Path, target: str
) -> None:
    before = as_it_is(victim)
    (storage / "sources").mkdir()
    (storage / "sources" / DIGEST).symlink_to(victim.parent / target)

    with pytest.raises(DeployError, match=rf"/sources/{DIGEST} is a link; .*; remove it: rm -r /\S*/sources/{DIGEST}$"):
        stage(storage, model)

    assert as_it_is(victim) == before


@pytest.mark.parametrize("place", ["sources", f"sources/{DIGEST}"])
def test_a_fifo_is_refused_and_not_waited_for(storage: Path, model: Path, place: str) -> None:
    (storage / place).parent.mkdir(exist_ok=True)
    os.mkfifo(storage / place)

    with pytest.raises(DeployError, match=rf"/storage/{place} is a FIFO.*; remove it: rm (-r )?/\S*/storage/{place}$"):
        stage(storage, model)


def test_a_folder_under_the_digest_s_name_is_refused(storage: Path, model: Path) -> None:
    (storage / "sources" / DIGEST).mkdir(parents=True)

    with pytest.raises(DeployError, match=rf"/sources/{DIGEST} is a folder; .*; remove it: rm -r "):
        stage(storage, model)


def test_a_storage_that_is_a_link_is_refused(model: Path, tmp_path: Path, victim: Path) -> None:
    before = as_it_is(victim)
    link = tmp_path / "link"
    link.symlink_to(victim)

    with pytest.raises(DeployError, match=r"/link is a link, .*; set storage.path to it$"):
        stage(link, model)

    assert as_it_is(victim) == before


def test_a_storage_that_is_not_there_is_one_line(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"cannot be copied to /\S*/absent/sources: No such file or directory; mend"):
        stage(tmp_path / "absent", model)


def swapped_after(name: str, storage: Path, victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a pod put a link in the place of `sources` right after root's first call of a function of `os`."""
    real = getattr(os, name)

    def call(*arguments: Any, **keywords: Any) -> Any:
        answer = real(*arguments, **keywords)
        if not (storage / "sources").is_symlink():
            (storage / "sources").rename(storage / "moved")
            (storage / "sources").symlink_to(victim)
        return answer

    monkeypatch.setattr(os, name, call)


def test_a_folder_that_is_swapped_before_it_is_opened_is_refused(
    storage: Path, model: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = as_it_is(victim)
    swapped_after("mkdir", storage, victim, monkeypatch)

    with pytest.raises(DeployError, match=r"/storage/sources is a link"):
        stage(storage, model)

    assert as_it_is(victim) == before


@pytest.mark.parametrize("call", ["fchown", "fsync"])
def test_a_folder_that_is_swapped_while_it_is_written_leads_nowhere(
    storage: Path, model: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = as_it_is(victim)
    swapped_after(call, storage, victim, monkeypatch)

    stage(storage, model)

    assert as_it_is(victim) == before
    assert [path.name for path in (storage / "moved").iterdir()] == [DIGEST]


@as_root
def test_a_folder_of_an_older_version_is_taken_over(storage: Path, model: Path) -> None:
    """There the folder and the file were the pods' user's: what it can change is not taken for what was staged."""
    staged = storage / "sources" / DIGEST
    staged.parent.mkdir()
    staged.parent.chmod(0o777)
    staged.write_bytes(b"whatever a pod has written")
    download = staged.with_name("0" * 64)
    download.write_bytes(b"what a build has downloaded")
    for path in (staged.parent, staged, download):
        os.chown(path, PODS_USER, PODS_USER)

    stage(storage, model)

    assert staged.read_bytes() == MODEL
    assert [path.stat().st_uid for path in (staged.parent, staged, download)] == [0, 0, PODS_USER]
    assert staged.parent.stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "prebuilt", "path": "uploads/mug", "sha256": DIGEST},
        {"kind": "onnx", "url": "https://example.org/model.onnx", "sha256": DIGEST},
    ],
    ids=["prebuilt", "https"],
)
def test_other_sources_need_no_staging(storage: Path, source: dict[str, str]) -> None:
    stage_source(stack(storage, **source))

    assert list(storage.iterdir()) == []
