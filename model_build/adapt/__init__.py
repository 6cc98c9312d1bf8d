"""Makes any ONNX image classifier fit the served contract, or refuses it with the reason."""

from model_build.adapt.classifier import Classifier, classifier_from_original
from model_build.adapt.original import Original, original_from_onnx

__all__ = ["Classifier", "Original", "classifier_from_original", "original_from_onnx"]
