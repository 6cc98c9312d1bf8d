"""Compiles and runs TensorRT plans on this machine's GPU.

Nothing here imports TensorRT before a plan is compiled or run: a build for ONNX Runtime needs none of it.
"""
