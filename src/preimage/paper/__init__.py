"""The tables and figures of the paper, each as a study that anyone can rerun."""
