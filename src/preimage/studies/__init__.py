"""Many visualizations as plain data: studies, their trials, and the results."""
