"""What results look like: pictures, sidecars, tables."""
