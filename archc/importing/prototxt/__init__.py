"""Caffe's files: networks as their authors wrote them down, before PyTorch."""
