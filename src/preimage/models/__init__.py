"""Sources of networks and their weights."""
