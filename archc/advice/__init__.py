"""What the literature would do otherwise in a network that is right as it stands."""
