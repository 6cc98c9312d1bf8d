"""Container images of a few files, written without any builder."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_NOBODY = "65534:65534"


def image_from_program(reference: str, program: Path, arguments: Sequence[str] = ()) -> bytes:
    """Make an image that holds one static program and runs it as nobody.

    Args:
        reference: the image's full name with its tag.
        program: a static executable; it lies in the image's root under its own name.
        arguments: what it is run with by default.

    Returns:
        An OCI archive; the same bytes for the same program.
    """
    layer = _tar({program.name: (program.read_bytes(), 0o755)})
    config = _json(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": [f"/{program.name}"], "Cmd": list(arguments), "User": _NOBODY},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer)],
        }
    )
    named = {**_descriptor(_MANIFEST, manifest), "annotations": {"io.containerd.image.name": reference}}
    blobs = {f"blobs/{_digest(blob).replace(':', '/')}": (blob, 0o644) for blob in (layer, config, manifest)}
    return _tar(
        {
            "oci-layout": (_json({"imageLayoutVersion": "1.0.0"}), 0o644),
            "index.json": (_json({"schemaVersion": 2, "manifests": [named]}), 0o644),
            **blobs,
        }
    )


def content_tag(program: Path) -> str:
    """Return a tag that changes with the program's content."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:16]


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    """Pack files, by name with content and mode, owned by root and without a date."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
