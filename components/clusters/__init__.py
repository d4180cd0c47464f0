"""Kubernetes clusters: every kind is a subclass of `Cluster`."""
