"""Two real Kubernetes clusters on one Linux machine, from package registries only."""
