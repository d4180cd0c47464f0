"""One mesh over two clusters, in both networks: what it can do besides an even split of the sample."""
