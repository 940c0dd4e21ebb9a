"""What a trained network has learned, as pictures; `session` is the way in."""
