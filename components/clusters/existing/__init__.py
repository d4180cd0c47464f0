"""Existing clusters, which the program reaches with a kubeconfig."""
