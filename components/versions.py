"""The versions of Istio and Kubernetes that the program installs, named once."""

ISTIO_VERSION = "1.31.0"
"""The version of Istio's charts and of the sample service's image."""
KUBERNETES_VERSION = "1.37.2"
"""The version of clusters created with kubeadm, unless their settings name another."""
KUBERNETES_SERIES = ("1.36", "1.37")
"""The minor versions that the nodes of this release are known to run, oldest first: clusters pass through each."""
