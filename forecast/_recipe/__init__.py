"""What "auto" means: settings, members and weights that are found from the data."""
