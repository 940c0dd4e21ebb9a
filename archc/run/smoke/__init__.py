"""A short real training of generated modules; `session` is the way in."""
