"""Training a generated module on a data set; `session` is the way in."""
