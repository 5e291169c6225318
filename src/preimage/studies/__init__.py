"""Many visualizations as plain data: trials, studies, and what came of them."""
