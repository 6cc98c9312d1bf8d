"""Writes what Triton mounts: one folder a target knows how to fill, from one served model."""

from model_build.repository.served import ServedModel
from model_build.repository.targets import TARGETS, Target, target_named

__all__ = ["TARGETS", "ServedModel", "Target", "target_named"]
