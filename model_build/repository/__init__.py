"""Writes what Triton mounts: one folder a target knows how to fill, from one served model."""

from model_build.repository.served import Order, ServedModel, Written
from model_build.repository.target import Target
from model_build.repository.targets import TARGETS, target_named

__all__ = ["TARGETS", "Order", "ServedModel", "Target", "Written", "target_named"]
