"""The served contract: what every plan takes and gives, whatever its source's own names and types are."""

from typing import Final

INPUT_NAME: Final = "input"
OUTPUT_NAME: Final = "output"
DATATYPE: Final = "FP32"

IMAGE_SHAPE: Final = (3, 224, 224)
"""One preprocessed image: RGB planes, height, width; no batch dimension."""

GOLDEN_PREPROCESSING: Final = "imagenet"
SCORE_TOLERANCE: Final = 0.01
"""Largest absolute difference between two runs of one plan, in units of a score. A correct float32
conversion of the quick start's model is within 0.004 of its reference."""

LABELS_FILE: Final = "labels.txt"
MODEL_FILE: Final = "model.onnx"
PLAN_FILE: Final = "model.plan"
MODEL_VERSION: Final = "1"
