"""Fetching from a real index by the real uv: on this machine's loopback, with a package of one script."""

import base64
import hashlib
import http.server
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.background import in_background
from tools.builds import build_missing
from tools.cache import Cache
from tools.catalogue import Program, Tool
from tools.errors import DiskSpaceError, PackageHashError, PackageUnavailableError, ToolsError
from tools.package import FOLDER, GO, Package
from tools.prebuilt import ensure_package, is_allowed
from tools.venv import ensure_uv

_WHEEL = "hello_bin-1.0-py3-none-any.whl"


def wheel_in(folder: Path) -> Path:
    """Write a package whose one script prints hello."""
    files = {
        "hello_bin-1.0.data/scripts/hello": "#!/bin/sh\necho hello\n",
        "hello_bin-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: hello-bin\nVersion: 1.0\n",
        "hello_bin-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n"
        for name, text in files.items()
    )
    wheel = folder / _WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {
            **files,
            "hello_bin-1.0.dist-info/RECORD": f"{record}hello_bin-1.0.dist-info/RECORD,,\n",
        }.items():
            archive.writestr(name, text)
    return wheel


class Index(http.server.ThreadingHTTPServer):
    """A package index of one package.

    Attributes:
        wheel: the archive's bytes.
        hangs: whether it stops in the middle of the archive until it is closed.
    """

    def __init__(self, wheel: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wheel = wheel
        self.hangs = False
        self.asked: list[str] = []
        self.closing = threading.Event()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        is_archive = self.path.endswith(".whl")
        body = self.server.wheel if is_archive else f'<a href="/{_WHEEL}">{_WHEEL}</a>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if is_archive else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if is_archive and self.server.hangs:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.closing.wait(60)
            return
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.setenv("PATH", f"{ensure_uv(Cache.of_user().folder).parent}:{os.environ['PATH']}")
    server = Index(wheel_in(tmp_path).read_bytes())
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with server, in_background(server):
        yield server
        server.closing.set()


@pytest.fixture
def package(tmp_path: Path) -> Package:
    lock = tmp_path / "hello-bin.lock"
    digest = hashlib.sha256(wheel_in(tmp_path).read_bytes()).hexdigest()
    lock.write_text(f"hello-bin==1.0 \\\n    --hash=sha256:{digest}\n")
    return Package(lock)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def left(cache: Cache) -> list[str]:
    return [path.name for path in cache.folder.iterdir() if not path.name.startswith(".lock")]


def test_a_package_is_fetched_once(index: Index, package: Package, cache: Cache) -> None:
    folder = ensure_package(package, cache)

    assert os.access(folder / "bin" / "hello", os.X_OK)
    assert left(cache) == [f"hello-bin-{package.key}"]
    asked = list(index.asked)
    assert ensure_package(package, cache) == folder
    assert index.asked == asked


def test_another_hash_is_refused_and_nothing_is_kept(index: Index, package: Package, cache: Cache) -> None:
    index.wheel += b"\0"

    with pytest.raises(
        PackageHashError, match=r"hello-bin 1.0 .* another hash than .*hello-bin.lock pins; .*TOOLS=source"
    ):
        ensure_package(package, cache)

    assert left(cache) == []


def test_a_registry_that_hangs_in_the_middle_is_given_up(
    index: Index, package: Package, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.prebuilt._SILENCE_S", 1)
    monkeypatch.setenv("COLUMNS", "80")  # of a terminal: the reason stays one line
    index.hangs = True

    with pytest.raises(PackageUnavailableError, match=r"^package hello-bin 1.0: .*time"):
        ensure_package(package, cache)

    assert left(cache) == []


def test_a_uv_that_does_not_end_is_ended(
    index: Index, package: Package, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.prebuilt._DEADLINE_S", 0.5)
    index.hangs = True

    with pytest.raises(PackageUnavailableError, match=r"did not end within 0 s"):
        ensure_package(package, cache)


def test_a_registry_that_does_not_answer_leaves_the_next_way(
    index: Index, package: Package, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")

    with pytest.raises(PackageUnavailableError, match=r"^package hello-bin 1.0: "):
        ensure_package(package, cache)

    assert index.asked == []


@pytest.mark.usefixtures("index")
def test_a_full_disk_is_named(package: Package, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\necho 'error: failed to write: No space left on device (os error 28)' >&2\nexit 2\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:/usr/bin:/bin")

    with pytest.raises(DiskSpaceError, match=r"package hello-bin 1.0: the disk is full; free some"):
        ensure_package(package, cache)


def test_a_tool_comes_out_of_its_package(index: Index, package: Package, cache: Cache, tmp_path: Path) -> None:
    tool = hello(package, tmp_path)

    build_missing([tool], cache)

    assert os.access(cache.product(tool) / "bin" / "hello", os.X_OK)
    assert index.asked


def test_a_package_without_the_program_is_named(index: Index, package: Package, cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="gave no other"):
        build_missing([hello(package, tmp_path, "other")], cache)

    assert index.asked


def test_a_tool_whose_package_is_not_to_be_had_is_built(
    index: Index, package: Package, cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
    monkeypatch.setattr("tools.builds._build_all", lambda tools, *_: built.extend(tools))
    built: list[Tool] = []
    tool = hello(package, cache.folder)

    build_missing([tool], cache)

    assert built == [tool.from_source()]
    assert "; hello is built instead\n" in capsys.readouterr().err
    assert index.asked == []


def hello(package: Package, folder: Path, program: str = "hello") -> Tool:
    return Tool(
        name="hello",
        serves=frozenset({"cluster"}),
        folder=folder,
        build_s=1,
        disk_gib=1,
        prebuilt=package,
        programs=(Program(name=program, package="."),),
    )


@pytest.mark.parametrize(("chosen", "allowed"), [({}, True), ({"TOOLS": ""}, True), ({"TOOLS": "source"}, False)])
def test_source_alone_forbids_packages(chosen: dict[str, str], allowed: bool) -> None:  # noqa: FBT001
    assert is_allowed(chosen) is allowed


def test_any_other_word_is_refused() -> None:
    with pytest.raises(ToolsError, match=r"^TOOLS is 'nonsense'; accepted: 'source', .*: unset TOOLS$"):
        is_allowed({"TOOLS": "nonsense"})


@pytest.mark.parametrize("lock", sorted(FOLDER.glob("*.lock")), ids=lambda lock: lock.stem)
def test_every_lock_pins_the_package_that_it_is_named_after(lock: Path) -> None:
    assert Package(lock).name == lock.stem
    assert "--hash=sha256:" in lock.read_text()


def test_another_platform_has_another_product(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Package(GO.lock).key
    monkeypatch.setattr("tools.package.platform.machine", lambda: "another")

    assert Package(GO.lock).key != before


def test_the_go_of_the_package_is_new_enough_for_every_module() -> None:
    needed = [
        tuple(map(int, line.split()[1].split(".")))
        for go_mod in (FOLDER.parent / "go").glob("*/go.mod")
        for line in go_mod.read_text().splitlines()
        if line.startswith("go ")
    ]

    assert tuple(map(int, GO.version.split("."))) >= max(needed)
