"""Many trials: the store that keeps them, and the engines that carry them out."""
