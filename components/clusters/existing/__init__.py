"""Clusters that exist already, each reached by its kubeconfig."""
