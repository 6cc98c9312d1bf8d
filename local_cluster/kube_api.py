"""Reading from the API server, as its administrator, and writing by kubectl."""

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from local_cluster import pki, programs
from local_cluster.errors import LocalClusterError
from local_cluster.layout import Layout

_TIMEOUT_S = 5
_APPLY_S = 120
_FIELD_MANAGER = "local-cluster"


class ApiError(LocalClusterError):
    """The API server does not answer, or not as it should."""


class KubeApi:
    """The API server of one cluster."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._context: ssl.SSLContext | None = None

    def get_text(self, path: str) -> str:
        """Return the body of a good answer.

        Args:
            path: absolute path with its query, such as ``/readyz``.

        Raises:
            ApiError: no answer, or one with a status other than 200.
        """
        connection = http.client.HTTPSConnection(
            self._layout.node_address,
            self._layout.api_port,
            context=self._tls(),
            timeout=_TIMEOUT_S,
        )
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(f"the API server does not answer at {self._layout.api_url}: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ApiError(f"the API server answers {response.status} to {path}: {body.strip()[-200:]}")
        return body

    def get(self, path: str) -> dict[str, Any]:
        """Return a good answer's object; errors as `get_text`."""
        return cast("dict[str, Any]", json.loads(self.get_text(path)))

    def apply(self, *files: Path) -> None:
        """Make the objects in these files be so, server-side.

        Raises:
            ProgramError: kubectl's own last line.
        """
        self._apply([f"--filename={file}" for file in files])

    def apply_objects(self, *objects: Mapping[str, Any]) -> None:
        """Make these objects be so, server-side; nothing of them is written to a file.

        Raises:
            ProgramError: kubectl's own last line.
        """
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        self._apply(["--filename=-"], stdin=json.dumps(listed))

    def _apply(self, sources: Sequence[str], *, stdin: str | None = None) -> None:
        layout = self._layout
        command = ["kubectl", "apply", "--server-side", "--force-conflicts", f"--field-manager={_FIELD_MANAGER}"]
        access = (f"--kubeconfig={layout.kubeconfig}", f"--cache-dir={layout.state / 'kubectl-cache'}")
        programs.run([*command, *access, *sources], stdin=stdin, deadline_s=_APPLY_S)

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            layout = self._layout
            authority = pki.certificate_path(layout, pki.CLUSTER_AUTHORITY)
            try:
                self._context = ssl.create_default_context(cafile=authority)
                self._context.load_cert_chain(pki.certificate_path(layout, "admin"), pki.key_path(layout, "admin"))
            except OSError as error:
                raise ApiError(f"credentials in {layout.pki} can't be read: {error}") from error
        return self._context
