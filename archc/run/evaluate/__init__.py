"""What a trained network gets right on images that it has not seen."""
