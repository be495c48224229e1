"""ONNX models of fitted networks. The package onnx is imported when a model is written, not before."""

from .model import onnx_model

__all__ = ["onnx_model"]
