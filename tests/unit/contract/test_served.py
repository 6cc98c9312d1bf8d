from contract.served import golden_input_file, input_of, output_of


def test_a_tensor_is_documented_as_triton_says_it() -> None:
    assert input_of((3, 224, 224)).document() == {"name": "input", "datatype": "FP32", "shape": [3, 224, 224]}
    assert output_of(1000).document() == {"name": "output", "datatype": "FP32", "shape": [1000]}
    assert output_of(1000).document(max_batch_size=8) == {"name": "output", "datatype": "FP32", "shape": [-1, 1000]}


def test_each_picture_has_an_input_file_of_its_own() -> None:
    assert [golden_input_file(position) for position in range(2)] == ["golden_input_0.bin", "golden_input_1.bin"]
