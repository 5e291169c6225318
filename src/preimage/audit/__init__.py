"""The audit: which layers of a network give the photo back."""
