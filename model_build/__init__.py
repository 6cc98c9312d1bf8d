"""Turns a source model into the model repository that Triton serves.

One way through: source → adapt → repository in scratch → reference scores → golden → manifest → verify →
one rename. It runs in the build Job's container and on a workstation, by ``python -m model_build``.
"""
