"""What runs a generated module: the only part of archc that imports torch."""
