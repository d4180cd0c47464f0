"""Kubernetes clusters: every kind gives the same shape."""
