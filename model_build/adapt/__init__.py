"""Makes any ONNX image classifier fit the served contract, or refuses it with the reason."""

from model_build.adapt.classifier import ADAPTED_TOLERANCE, Classifier, classifier_from_original
from model_build.adapt.interface import Interface
from model_build.adapt.original import Original, original_from_onnx

__all__ = ["ADAPTED_TOLERANCE", "Classifier", "Interface", "Original", "classifier_from_original", "original_from_onnx"]
