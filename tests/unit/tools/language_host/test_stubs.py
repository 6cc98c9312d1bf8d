import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]


def test_the_host_speaks_pulumis_protocol_without_loading_its_sdk() -> None:
    code = "import sys, tools.language_host.host; sys.exit('pulumi' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=REPOSITORY).returncode == 0
