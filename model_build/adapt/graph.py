"""Rewrites a classifier's graph to the served contract's names, types and layout."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from contract.served import INPUT_NAME, OUTPUT_NAME
from model_build.adapt.interface import Interface, dims_of

_LEAST_IR_VERSION: Final = 4
"""Before it every weight had to be listed as an input too."""

_ROUND_SINCE: Final = 11
"""The opset that brought the operator Round."""

_ONNX_DOMAINS: Final = ("", "ai.onnx")

_Step = tuple[str, dict[str, Any]]


def contract_model(model: ModelProto, interface: Interface, *, classes: int, batch: str | int) -> ModelProto:
    """Return the model with the served contract's input and output around the same layers.

    It goes from ``input`` float32 [batch,C,H,W] to ``output`` float32 [batch,classes], where ``batch`` is the name of
    the dynamic axis, or the one size that it takes. What only other outputs need is left out.
    """
    adapted = ModelProto()
    adapted.CopyFrom(model)
    graph = adapted.graph
    taken = {INPUT_NAME, OUTPUT_NAME} & _tensors(graph)
    renamed = {name: _unused(graph, name) for name in taken}
    _rename_tensors(graph, renamed)
    own_input = renamed.get(interface.input_name, interface.input_name)
    own_output = renamed.get(interface.output_name, interface.output_name)

    opset = next((each.version for each in model.opset_import if each.domain in _ONNX_DOMAINS), 1)
    before = _chain(INPUT_NAME, _input_steps(interface, opset), own_input)
    after = _chain(own_output, _output_steps(interface), OUTPUT_NAME)
    nodes = _needed([*before, *graph.node, *after])
    weights = [tensor for tensor in graph.initializer if tensor.name in _names_in(nodes)]
    for field in (graph.node, graph.initializer, graph.input, graph.output, graph.value_info):
        del field[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.input.append(helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [batch, *interface.shape]))
    graph.output.append(helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [batch, classes]))
    adapted.ir_version = max(adapted.ir_version, _LEAST_IR_VERSION)
    return adapted


def with_free_batch(model: ModelProto) -> ModelProto:
    """Return the model with every Reshape to a constant batch of 1 following its input's batch instead.

    Where the input's batch is declared dynamic, such a Reshape holds the model to 1 all the same.
    """
    freed = ModelProto()
    freed.CopyFrom(model)
    graph = freed.graph
    inferred = shape_inference.infer_shapes(model).graph
    dims = {value.name: dims_of(value) for value in (*inferred.value_info, *inferred.input)}
    constants = dict(_constants(graph))
    for node in graph.node:
        if node.op_type != "Reshape" or not constants.keys() & set(node.input[1:]):  # before opset 5 it has one input
            continue
        shape = constants[node.input[1]].copy()
        if shape.size and shape[0] == 1 and dims.get(node.input[0], [])[:1] in ([1], [None]):
            shape[0] = 0  # in a Reshape: as the input's dimension
            name = _unused(graph, node.input[1])
            graph.initializer.append(numpy_helper.from_array(shape, name))
            node.input[1] = name
    return freed


def _input_steps(interface: Interface, opset: int) -> list[_Step]:
    """Return what makes the model's own input; whole numbers that are not quite whole are rounded where ONNX can."""
    steps: list[_Step] = []
    if interface.channels_last:
        steps.append(("Transpose", {"perm": [0, 2, 3, 1]}))
    if interface.takes_whole_numbers and opset >= _ROUND_SINCE:
        steps.append(("Round", {}))
    if interface.input_type != TensorProto.FLOAT:
        steps.append(("Cast", {"to": interface.input_type}))
    return steps or [("Identity", {})]


def _output_steps(interface: Interface) -> list[_Step]:
    steps: list[_Step] = [("Flatten", {"axis": 1})]  # [N,C,1,1] to [N,C]; leaves [N,C] as it is
    if interface.output_type != TensorProto.FLOAT:
        steps.append(("Cast", {"to": TensorProto.FLOAT}))
    return steps


def _chain(start: str, steps: list[_Step], end: str) -> list[NodeProto]:
    names = [start, *(f"{start}_to_{end}_{position}" for position in range(1, len(steps))), end]
    return [
        helper.make_node(operator, [source], [result], name=f"contract_{result}", **attributes)
        for (operator, attributes), source, result in zip(steps, names[:-1], names[1:], strict=True)
    ]


def _needed(nodes: list[NodeProto]) -> list[NodeProto]:
    """Return the nodes that the contract's output depends on, in their order."""
    names, needed = {OUTPUT_NAME}, []
    for node in reversed(nodes):
        if names & set(node.output):
            needed.append(node)
            names |= _names_in([node])
    return needed[::-1]


def _names_in(nodes: list[NodeProto]) -> set[str]:
    """Return the tensors that nodes name, those of their conditions' and loops' bodies among them."""
    graph = GraphProto()
    graph.node.extend(nodes)
    return _tensors(graph)


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """Yield a graph and the bodies of its conditions and loops, which see the outer tensors' names."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _graphs(body)


def _tensors(graph: GraphProto) -> set[str]:
    return {
        name
        for part in _graphs(graph)
        for names in (
            *((*node.input, *node.output) for node in part.node),
            (value.name for value in (*part.input, *part.output, *part.initializer)),
        )
        for name in names
    }


def _unused(graph: GraphProto, name: str) -> str:
    taken = _tensors(graph) | {INPUT_NAME, OUTPUT_NAME}
    return next(new for number in range(len(taken) + 1) if (new := f"{name}_{number}") not in taken)


def _rename_tensors(graph: GraphProto, renamed: dict[str, str]) -> None:
    for part in _graphs(graph):
        for value in (*part.input, *part.output, *part.initializer, *part.value_info):
            value.name = renamed.get(value.name, value.name)
        for node in part.node:
            node.input[:] = [renamed.get(name, name) for name in node.input]
            node.output[:] = [renamed.get(name, name) for name in node.output]


def _constants(graph: GraphProto) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the values of weights and constants that may be a shape."""
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.INT64:
            yield tensor.name, numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value" and attribute.t.data_type == TensorProto.INT64:
                    yield node.output[0], numpy_helper.to_array(attribute.t)
                elif attribute.name == "value_ints":
                    yield node.output[0], np.array(attribute.ints, np.int64)
