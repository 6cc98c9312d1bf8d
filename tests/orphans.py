"""What outlives a Pulumi that was killed."""

import psutil


def end_orphans(pulumi_home: str) -> None:
    """End the providers that outlive a Pulumi that was killed: they run in process groups of their own."""
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[0].startswith(pulumi_home):
            process.kill()
