"""Folds a convolution's BatchNormalization into its weights, computed in double precision."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

_Doubles = NDArray[np.float64]

_EPSILON: Final = 1e-5
"""ONNX's own, where a node says nothing."""


def fold_batch_norms(graph: GraphProto) -> None:
    """Fold every BatchNormalization into the convolution before it, where both are constant and no other node looks.

    The graph is changed in place; one that follows something else than a convolution stays.
    """
    producers = {name: node for node in graph.node for name in node.output}
    uses = Counter(_used_names(graph))
    tensors = {each.name: each for each in graph.initializer if each.data_type == TensorProto.FLOAT}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        convolution = producers.get(norm.input[0])
        if convolution is None or convolution.op_type != "Conv" or not _plain(norm):
            continue
        own = [*convolution.output, *convolution.input[1:]]
        if all(uses[name] == 1 for name in own) and tensors.keys() >= {*convolution.input[1:], *norm.input[1:]}:
            graph.initializer.append(_folded(convolution, norm, tensors))
            graph.node.remove(norm)


def _plain(norm: NodeProto) -> bool:
    """Say whether a BatchNormalization only normalises, and does not learn."""
    return len(norm.output) == 1 and not any(each.name == "training_mode" and each.i for each in norm.attribute)


def _used_names(graph: GraphProto) -> Iterator[str]:
    """Yield the tensors that nodes take or the graph gives, each as often; those of inner graphs too."""
    yield from (value.name for value in graph.output)
    for node in graph.node:
        yield from node.input
        for each in node.attribute:
            for body in (*([each.g] if each.HasField("g") else []), *each.graphs):
                yield from _used_names(body)


def _folded(convolution: NodeProto, norm: NodeProto, tensors: dict[str, TensorProto]) -> TensorProto:
    """Let a convolution give what the norm after it gives, and return its new bias."""
    gamma, beta, mean, variance = (_doubles(tensors[name]) for name in norm.input[1:])
    scale = gamma / np.sqrt(variance + next((each.f for each in norm.attribute if each.name == "epsilon"), _EPSILON))
    weights = tensors[convolution.input[1]]
    old = _doubles(weights)
    weights.CopyFrom(_single(old * scale.reshape(-1, *[1] * (old.ndim - 1)), weights.name))
    old_bias = sum(_doubles(tensors[name]) for name in convolution.input[2:])  # it has one, or none
    bias = _single((old_bias - mean) * scale + beta, f"{norm.output[0]}_bias")
    convolution.input[:] = [*convolution.input[:2], bias.name]
    convolution.output[0] = norm.output[0]
    return bias


def _doubles(tensor: TensorProto) -> _Doubles:
    return numpy_helper.to_array(tensor).astype(np.float64)


def _single(values: _Doubles, name: str) -> TensorProto:
    return numpy_helper.from_array(values.astype(np.float32), name)
