"""Kubernetes, created with kubeadm on machines that nobody logs in to.

Pulumi creates every CA, the administrator's certificate and the join token (`pki`). A node gets its configuration
(`configuration`) as user data (`user_data`), fetches its secrets from AWS Systems Manager Parameter Store, and proves
who it is by its instance's identity, so the kubeconfig is known before the first node runs. `node/` holds the files
that run on a node, unchanged.
"""
