"""Networks that a spec is for other values of its [params]: tables, plots, searches."""
