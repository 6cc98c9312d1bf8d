"""The serving image with a Triton that crashes: one more layer on the project's own archive."""

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

PROGRAM = "opt/tritonserver/bin/tritonserver"
LAST_WORDS = "tritonserver: this build crashes"

_SCRIPT = f"#!/bin/sh\necho '{LAST_WORDS}' >&2\nexit 139\n"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def crashing_image(archive: Path, reference: str) -> bytes:
    """Return an OCI archive of the same image with another `tritonserver`.

    Args:
        archive: OCI archive of an image of the project's.
        reference: the new image's name.
    """
    with tarfile.open(archive) as opened:
        files = {
            member.name: content.read() for member in opened.getmembers() if (content := opened.extractfile(member))
        }
    layer = _packed({PROGRAM: _SCRIPT.encode()}, mode=0o755)
    (index,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(files[_path(index["digest"])])
    config = json.loads(files[_path(manifest["config"]["digest"])])
    config["rootfs"]["diff_ids"].append(_digest(layer))
    config.pop("history", None)
    manifest["config"] |= _descriptor(_json(config))
    manifest["layers"].append({"mediaType": _LAYER, **_descriptor(layer)})
    named = index | _descriptor(_json(manifest)) | {"annotations": {"io.containerd.image.name": reference}}
    blobs = {_path(_digest(blob)): blob for blob in (layer, _json(config), _json(manifest))}
    return _packed(files | blobs | {"index.json": _json({"schemaVersion": 2, "manifests": [named]})}, mode=0o644)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _descriptor(blob: bytes) -> dict[str, Any]:
    return {"digest": _digest(blob), "size": len(blob)}


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _packed(files: dict[str, bytes], *, mode: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()
