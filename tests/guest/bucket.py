"""An S3 bucket for Pulumi's state, on this machine's loopback."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from tests.guest.processes import await_port, free_port, running

_ADDRESS = "127.0.0.1"
_NAME = "pulumi-state"
_REGION = "us-east-1"
_KEY = "guest"


@dataclass(frozen=True)
class Bucket:
    """A bucket that is there.

    Attributes:
        endpoint: the server's URL.
    """

    endpoint: str

    @property
    def backend(self) -> str:
        """The bucket as Pulumi names it."""
        return f"s3://{_NAME}?endpoint={self.endpoint}&s3ForcePathStyle=true&region={_REGION}"

    @property
    def environment(self) -> dict[str, str]:
        """The key to it."""
        key = {"AWS_ACCESS_KEY_ID": _KEY, "AWS_SECRET_ACCESS_KEY": _KEY}
        return {
            **key,
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }  # moto sends none, and Pulumi warns each time

    def make(self) -> None:
        """Have it be there."""
        self._client.create_bucket(Bucket=_NAME)

    def listed(self) -> list[str]:
        """Return the names of what lies in it."""
        return [each["Key"] for each in self._client.list_objects_v2(Bucket=_NAME).get("Contents", [])]

    def text(self, key: str) -> str:
        """Return what lies under a name."""
        return str(self._client.get_object(Bucket=_NAME, Key=key)["Body"].read().decode())

    @cached_property
    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=_REGION,
            aws_access_key_id=_KEY,
            aws_secret_access_key=_KEY,
        )


@contextlib.contextmanager
def bucket(folder: Path) -> Iterator[Bucket]:
    """Run a server with an empty bucket while the context lasts; its log goes to the folder."""
    port, log = free_port(_ADDRESS), folder / "log"
    command = [sys.executable, "-m", "moto.server", "--host", _ADDRESS, "--port", str(port)]
    with running(command, log=log, environment=os.environ) as process:
        await_port(_ADDRESS, port, process, log=log)
        found = Bucket(f"http://{_ADDRESS}:{port}")
        found.make()
        yield found
