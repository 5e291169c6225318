"""An atlas: the results of a store as pages to look at, which need no server."""
