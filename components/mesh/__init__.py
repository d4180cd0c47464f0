"""Istio in one cluster: control plane, gateway, and the cluster's role in a mesh over several clusters."""
