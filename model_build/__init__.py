"""Turns a source model into the model repository that Triton serves.

One way through: source → adapt → repository in scratch → reference scores → golden → manifest → verify →
one rename. It runs in the build Job's container and on a workstation, by ``python -m model_build``.
"""

import os

# ONNX Runtime reads this when it is imported; without it, it keeps a device id in the user's cache folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
