"""JSON in every place where Triton parses it: deep, large, or absurd."""

import json

from tests.faults.strangers.connection import Target
from tests.faults.strangers.messages import (
    IMAGE_BYTES,
    LENGTH,
    SHAPE,
    Attack,
    Pieces,
    binary,
    head,
    input_of,
    json_request,
    nested_of_size,
    output_of,
    whole,
)

PART_BYTES = 9_999
"""The largest JSON part of a binary request that a header of four digits can name."""
WHOLE_BYTES = 8_192
"""The largest body of a request that is JSON as a whole."""


def nested_as_said_part(target: Target) -> Pieces:
    """The deepest JSON part that four digits can name."""
    return binary(target, nested_of_size(PART_BYTES))


def only_opened_part(target: Target) -> Pieces:
    """9,999 brackets that are opened and never closed, as the JSON part."""
    return binary(target, b"[" * PART_BYTES)


def objects_part(target: Target) -> Pieces:
    """A JSON part of objects in objects."""
    count = PART_BYTES // 6
    return binary(target, b'{"a":' * count + b"1" + b"}" * count)


def nested_small_json(target: Target) -> Pieces:
    """The deepest whole JSON of 8 KiB."""
    return whole(target, nested_of_size(WHOLE_BYTES))


def deep_data(target: Target) -> Pieces:
    """A right input whose data are nested 3,900 deep: Triton's own reader of arrays follows them."""
    depth = 3_900
    text = json.dumps({"inputs": [{"name": "input", "datatype": "FP32", "shape": SHAPE, "data": 7}]})
    return whole(target, text.replace("7}", "[" * depth + "]" * depth + "}").encode())


def deep_data_part(target: Target) -> Pieces:
    """The same in the JSON part of a binary request."""
    depth = 4_900
    text = json.dumps({"inputs": [{"name": "input", "datatype": "FP32", "shape": SHAPE, "data": 7}]})
    return binary(target, text.replace("7}", "[" * depth + "]" * depth + "}").encode())


def deep_shape(target: Target) -> Pieces:
    """A shape that is nested 4,900 deep."""
    depth = 4_900
    text = json.dumps({"inputs": [{"name": "input", "datatype": "FP32", "shape": 7}]})
    return binary(target, text.replace("7}", "[" * depth + "]" * depth + "}").encode())


def deep_parameters(target: Target) -> Pieces:
    """Parameters that are nested 1,600 deep."""
    depth = 1_600
    text = json.dumps(json_request(parameters=7), separators=(",", ":"))
    return binary(
        target, text.replace('"parameters":7}', '"parameters":' + '{"a":' * depth + "1" + "}" * depth + "}").encode()
    )


def huge_number(target: Target) -> Pieces:
    """A shape that is a number of 9,000 digits."""
    return binary(target, b'{"inputs":[{"name":"input","datatype":"FP32","shape":[' + b"9" * 9_000 + b"]}]}")


def huge_exponent(target: Target) -> Pieces:
    """Numbers with exponents of thousands of digits."""
    return binary(target, b'{"inputs":[{"name":"input","datatype":"FP32","shape":[1e' + b"9" * 9_000 + b"]}]}")


def huge_fraction(target: Target) -> Pieces:
    """A number with 9,000 digits after its point."""
    return binary(target, b'{"id":"a","priority":0.' + b"1" * 9_000 + b',"inputs":[]}')


def huge_exponent_data(target: Target) -> Pieces:
    """A whole JSON of numbers that are as large and as small as they get."""
    data = ["1e308", "-1e308", "1e-400"] * 400
    text = '{"inputs":[{"name":"input","datatype":"FP32","shape":[3,20,20],"data":[' + ",".join(data) + "]}]}"
    return whole(target, text.encode()[:WHOLE_BYTES])


def huge_id(target: Target) -> Pieces:
    """An id of 9,000 characters, which an answer repeats."""
    return binary(target, json_request(id="x" * 9_000))


def many_keys(target: Target) -> Pieces:
    """A thousand keys that nobody knows."""
    return binary(target, json_request(**{f"k{number}": 1 for number in range(900)}))


def same_key(target: Target) -> Pieces:
    """The key of the inputs, 700 times."""
    return binary(target, b"{" + b",".join([b'"inputs":[{}]'] * 700) + b"}")


def many_inputs(target: Target) -> Pieces:
    """The same input, again and again."""
    inputs = [{"name": "input", "datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 4}}] * 100
    return binary(target, json_request(inputs=inputs))


def many_empty_inputs(target: Target) -> Pieces:
    """Two thousand inputs without a word about them."""
    return binary(target, b'{"inputs":[' + b",".join([b"{}"] * 3_000) + b"]}")


def many_outputs(target: Target) -> Pieces:
    """The same output, 300 times: each would be answered."""
    return binary(target, {"inputs": [input_of()], "outputs": [{"name": "output"}] * 400})


def many_classifications(target: Target) -> Pieces:
    """All classes of the same output, 100 times."""
    return binary(target, {"inputs": [input_of()], "outputs": [output_of(classification=1000)] * 130})


def huge_classification(target: Target) -> Pieces:
    """A thousand million best classes."""
    return binary(target, json_request(outputs=[output_of(classification=10**9)]))


def largest_classification(target: Target) -> Pieces:
    """As many best classes as 64 bits can say."""
    return binary(target, json_request(outputs=[output_of(classification=2**63 - 1)]))


def negative_classification(target: Target) -> Pieces:
    """Less than no class."""
    return binary(target, json_request(outputs=[output_of(classification=-1)]))


def huge_shape(target: Target) -> Pieces:
    """A shape of 2**62 bytes, with the image's data."""
    return binary(target, json_request(inputs=[input_of([2**31, 2**29])]))


def overflowing_shape(target: Target) -> Pieces:
    """A shape whose product is 0 in 64 bits."""
    return binary(target, json_request(inputs=[input_of([2**32, 2**32])]))


def wrapping_shape(target: Target) -> Pieces:
    """A shape whose product in 64 bits is the image's size again."""
    return binary(target, json_request(inputs=[input_of([3, 224, 224 + 2**61])]))


def negative_shape(target: Target) -> Pieces:
    """Two negative dimensions, whose product is the image's size."""
    return binary(target, json_request(inputs=[input_of([3, -224, -224])]))


def wildcard_shape(target: Target) -> Pieces:
    """A dimension of -1, which means any in a model's configuration."""
    return binary(target, json_request(inputs=[input_of([3, -1, 224])]))


def many_dimensions(target: Target) -> Pieces:
    """A shape of 4,000 dimensions of one."""
    return binary(target, json_request(inputs=[input_of([1] * 4_000)]))


def empty_shape(target: Target) -> Pieces:
    """A shape with a zero, and no data."""
    return binary(target, json_request(inputs=[input_of([3, 0, 224], nbytes=0)]), data=b"")


def negative_size(target: Target) -> Pieces:
    """Binary data of less than no bytes."""
    return binary(target, json_request(inputs=[input_of(nbytes=-1)]))


def largest_size(target: Target) -> Pieces:
    """Binary data of as many bytes as 64 bits can say."""
    return binary(target, json_request(inputs=[input_of(nbytes=2**63 - 1)]))


def unsigned_size(target: Target) -> Pieces:
    """Binary data of 2**64 less the image's size."""
    return binary(target, json_request(inputs=[input_of(nbytes=2**64 - IMAGE_BYTES)]))


def larger_size(target: Target) -> Pieces:
    """Binary data of more bytes than come."""
    return binary(target, json_request(inputs=[input_of(nbytes=IMAGE_BYTES + 4)]))


def shared_memory(target: Target) -> Pieces:
    """Data that are said to lie in a region of the server's shared memory, with an offset beyond it."""
    region = {"shared_memory_region": "region", "shared_memory_byte_size": 2**62, "shared_memory_offset": 2**62}
    return binary(
        target, json_request(inputs=[{"name": "input", "datatype": "FP32", "shape": SHAPE, "parameters": region}])
    )


def strings(target: Target) -> Pieces:
    """An input of strings, whose lengths lie."""
    data = b"\xff\xff\xff\xff" * 100
    one = {"name": "input", "datatype": "BYTES", "shape": [100], "parameters": {"binary_data_size": len(data)}}
    return binary(target, json_request(inputs=[one]), data=data)


def sequences(target: Target) -> Pieces:
    """A sequence that the model has not, started and ended."""
    return binary(
        target, json_request(parameters={"sequence_id": 2**64 - 1, "sequence_start": True, "sequence_end": True})
    )


def priorities(target: Target) -> Pieces:
    """A priority and a timeout of the largest number."""
    return binary(target, json_request(parameters={"priority": 2**64 - 1, "timeout": 2**64 - 1}))


def long_parameter(target: Target) -> Pieces:
    """A parameter whose name and value are thousands of characters."""
    return binary(target, json_request(parameters={"p" * 4_500: "v" * 4_500}))


def not_unicode(target: Target) -> Pieces:
    """Bytes that are no text, and a NUL in a name."""
    return binary(target, b'{"inputs":[{"name":"in\\u0000put\xff\xfe","datatype":"FP32","shape":[3,224,224]}]}')


def wrong_types(target: Target) -> Pieces:
    """Every value of another type than it should be."""
    return binary(
        target, {"inputs": [{"name": [], "datatype": {}, "shape": "3", "parameters": [1]}], "outputs": {"a": 1}}
    )


def raw_body(target: Target) -> Pieces:
    """A body without any JSON, as a picture is sent to a model that takes one."""
    return whole(target, bytes(IMAGE_BYTES), (LENGTH, "0"))


def unknown_length(target: Target) -> Pieces:
    """A length of the JSON part that a number can't hold."""
    yield head(target, [("Content-Length", "2"), (LENGTH, "9" * 40)])
    yield b"{}"


BOUNDED: tuple[Attack, ...] = (
    nested_as_said_part, only_opened_part, objects_part, nested_small_json, deep_data, deep_data_part, deep_shape,
    deep_parameters, huge_number, huge_exponent, huge_fraction, huge_exponent_data, huge_id, many_keys, same_key,
    many_inputs, many_empty_inputs, many_outputs, many_classifications, huge_classification, largest_classification,
    negative_classification, huge_shape, overflowing_shape, wrapping_shape, negative_shape, wildcard_shape,
    many_dimensions, empty_shape, negative_size, largest_size, unsigned_size, larger_size, shared_memory, strings,
    sequences, priorities, long_parameter, not_unicode, wrong_types, raw_body, unknown_length,
)  # fmt: skip
"""JSON that the door lets through: Triton itself must bear it."""
