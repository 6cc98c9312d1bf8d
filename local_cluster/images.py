"""The images that a cluster's containerd holds."""

from pathlib import Path

from local_cluster import programs
from local_cluster.errors import LocalClusterError, ProgramError
from local_cluster.files import write_if_changed
from local_cluster.image_archive import content_tag, image_from_program
from local_cluster.layout import Layout

_ANSWER_S = 30
_IMPORT_S = 1800
"""For tens of gigabytes on a slow disk."""


class ImageError(LocalClusterError):
    """An archive holds no image, or not the one that was asked for."""


def pause_reference() -> str:
    """Return the name of the image that holds a pod's namespaces open.

    Raises:
        ProgramError: the program in it is not on PATH.
    """
    return f"localhost/pause:{content_tag(Path(programs.required('pause')))}"


class Images:
    """containerd's images in the namespace that Kubernetes uses."""

    def __init__(self, layout: Layout, *, answer_s: float = _ANSWER_S, import_s: float = _IMPORT_S) -> None:
        self._layout = layout
        self._answer_s = answer_s
        self._import_s = import_s

    def reason_not_answering(self) -> str | None:
        """Say why containerd can't be asked; None when it can."""
        if not self._layout.containerd_socket.exists():
            return "its socket is not there"
        try:
            self.references()
        except ProgramError as error:
            return str(error)
        return None

    def references(self) -> set[str]:
        """Return the names of all images."""
        return set(self._ctr("images", "list", "--quiet").split())

    def load(self, archive: Path, *, reference: str | None = None) -> bool:
        """Import a docker or OCI archive.

        Args:
            archive: a tar file, compressed or not.
            reference: the image expected in it; where it is present already, nothing is read.

        Returns:
            Whether the archive was imported.

        Raises:
            ImageError: no such file, no image in it, or another image than the expected one.
        """
        if reference is not None and reference in self.references():
            return False
        if not archive.is_file():
            raise ImageError(
                f"{archive}: no such file; accepted is a docker or OCI archive (`buildah push`, `docker save`)"
            )
        try:
            self._ctr("images", "import", str(archive.absolute()), deadline_s=self._import_s)
        except ProgramError as error:
            raise ImageError(f"{archive}: not imported; accepted is a docker or OCI archive: {error}") from error
        if reference is not None and reference not in self.references():
            raise ImageError(f"{archive}: imported, but there is no image {reference} in it")
        return True

    def ensure_pause_image(self) -> None:
        """Import the image that every pod's first container runs, where it is missing."""
        reference = pause_reference()
        if reference in self.references():
            return
        archive = self._layout.run / "pause.tar"
        write_if_changed(archive, image_from_program(reference, Path(programs.required("pause"))))
        self.load(archive, reference=reference)
        archive.unlink()

    def _ctr(self, *arguments: str, deadline_s: float | None = None) -> str:
        command = ["ctr", f"--address={self._layout.containerd_socket}", "--namespace=k8s.io", *arguments]
        return programs.run(command, deadline_s=deadline_s or self._answer_s)
