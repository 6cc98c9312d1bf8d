import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_cluster import kernel_probes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")


def probed(folder: Path, *wrapped_in: str) -> dict[str, str]:
    command = [*wrapped_in, sys.executable, "-I", kernel_probes.__file__, str(folder)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, str] = json.loads(printed)
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root's rights away")
def test_without_the_rights_everything_is_refused(tmp_path: Path) -> None:
    failures = probed(tmp_path, "setpriv", "--bounding-set=-sys_admin,-net_admin")

    assert set(failures.values()) == {"Operation not permitted"}
    assert {"mount namespaces", "overlayfs", "veth", "nf_tables", "ip_set", "PID namespaces"} <= set(failures)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_file_system_that_carries_no_overlay_is_found(tmp_path: Path) -> None:
    layers = {name: tmp_path / name for name in ("lower", "upper", "work", "merged")}
    for layer in layers.values():
        layer.mkdir()
    options = f"lowerdir={layers['lower']},upperdir={layers['upper']},workdir={layers['work']}"
    script = (
        f"mount -t overlay -o {options} overlay {layers['merged']} && mkdir {layers['merged']}/place && "
        f"exec {sys.executable} -I {kernel_probes.__file__} {layers['merged']}/place"
    )

    failures = probed_by(script)

    assert failures == {"overlayfs": "Invalid argument"}


def probed_by(script: str) -> dict[str, str]:
    command = ["unshare", "--mount", "sh", "-c", script]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        pytest.skip(f"this machine mounts no overlay: {result.stderr}")
    found: dict[str, str] = json.loads(result.stdout)
    return found
