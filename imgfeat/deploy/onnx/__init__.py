"""A fitted pipeline as one ONNX file, of plain operators."""
