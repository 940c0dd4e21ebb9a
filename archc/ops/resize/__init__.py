"""Maps of another size."""
