"""Hours of use: is memory flat, and is anything lost? See docs/reliability.md."""
