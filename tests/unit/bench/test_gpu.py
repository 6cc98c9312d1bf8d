import subprocess
import sys
from pathlib import Path

import pytest

from bench.gpu import H200, table

REPOSITORY = Path(__file__).resolve().parents[3]
MEDIANS = {"plan, 1": 0.001, "plan, images on the GPU, 64": 0.00128}


def test_the_table_has_latency_and_throughput() -> None:
    assert table(MEDIANS, product="NVIDIA-L4").splitlines() == [
        "| what, batch | ms | images/s |",
        "|---|---:|---:|",
        "| plan, 1 | 1.000 | 1000 |",
        "| plan, images on the GPU, 64 | 1.280 | 50000 |",
    ]


def test_the_limits_are_those_of_one_gpu() -> None:
    head, _, one, many = table(MEDIANS, product=H200).splitlines()
    assert head == "| what, batch | ms | images/s | of the fp16 arithmetic limit | of the fp16 memory limit |"
    assert one.endswith("| 1000 | 0.6% | 1.0% |")
    assert many.endswith("| 50000 | 29.1% | 50.0% |")


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there is a GPU here")
def test_without_a_gpu_one_line_says_so() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "bench.gpu"], check=False, capture_output=True, text=True, cwd=REPOSITORY, timeout=60
    )
    assert (result.returncode, result.stdout) == (69, "")
    assert result.stderr.startswith("no GPU to measure on: there is no NVIDIA driver here")
    assert result.stderr.count("\n") == 1
