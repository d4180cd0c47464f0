"""The versions of Istio and Kubernetes that the program installs, named once."""

ISTIO_VERSION = "1.31.0"
"""The version of Istio's charts and of the sample service's image."""
ISTIO_HUB = "registry.istio.io/release"
"""Where Istio's public charts take their images from."""
KUBERNETES_VERSION = "1.37.2"
"""The version of clusters created with kubeadm, unless their settings name another."""
KUBERNETES_SERIES = ("1.36", "1.37")
"""The minor versions that the nodes of this release are known to run, oldest first: clusters pass through each."""
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2"
"""The pause image of this kubeadm version; containerd must be configured with the same image."""
