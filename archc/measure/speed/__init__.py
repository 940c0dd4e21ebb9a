"""How long a network takes on a machine, by its roofline."""
