"""ONNX files: networks as graphs of plain operators, with their weights."""
