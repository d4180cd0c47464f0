"""Istio in one cluster: control plane, gateway, and its part in a mesh over several clusters."""
