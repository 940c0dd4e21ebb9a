"""Functions of torch that no op is called after, and settings that say the same
otherwise."""
