"""The versions of Istio and Kubernetes that the program installs, named once."""

ISTIO_VERSION = "1.31.0"
"""Of Istio's charts and of the sample service's image."""
KUBERNETES_VERSION = "1.37.2"
"""Of the clusters that kubeadm makes."""
