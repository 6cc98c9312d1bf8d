"""An S3 bucket for Pulumi's state, on this machine's loopback."""

import contextlib
import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.guest.processes import await_port, free_port, running

_ADDRESS = "127.0.0.1"
_NAME = "pulumi-state"
_NAMESPACE = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket that is there.

    Attributes:
        endpoint: the server's URL.
    """

    endpoint: str

    @property
    def backend(self) -> str:
        """The bucket as Pulumi names it."""
        return f"s3://{_NAME}?endpoint={self.endpoint}&s3ForcePathStyle=true&region=us-east-1"

    @property
    def environment(self) -> dict[str, str]:
        """The key to it."""
        key = {"AWS_ACCESS_KEY_ID": "guest", "AWS_SECRET_ACCESS_KEY": "guest"}
        return {
            **key,
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }  # moto sends none, and Pulumi warns each time

    def listed(self) -> list[str]:
        """Return the names of what lies in it."""
        with urllib.request.urlopen(f"{self.endpoint}/{_NAME}?list-type=2") as answer:
            found = ET.fromstring(answer.read()).iterfind("s3:Contents/s3:Key", _NAMESPACE)  # noqa: S314 - our own server's
        return [str(key.text) for key in found]

    def text(self, key: str) -> str:
        """Return what lies under a name."""
        with urllib.request.urlopen(f"{self.endpoint}/{_NAME}/{key}") as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def bucket(folder: Path) -> Iterator[Bucket]:
    """Run a server with an empty bucket while the context lasts; its log goes to the folder."""
    port, log = free_port(_ADDRESS), folder / "bucket.log"
    command = [sys.executable, "-m", "moto.server", "--host", _ADDRESS, "--port", str(port)]
    with running(command, log=log, environment=os.environ) as process:
        await_port(_ADDRESS, port, process, log=log)
        found = Bucket(endpoint=f"http://{_ADDRESS}:{port}")
        urllib.request.urlopen(urllib.request.Request(f"{found.endpoint}/{_NAME}", method="PUT")).close()
        yield found
