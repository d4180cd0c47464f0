"""Kubernetes made by kubeadm on machines that nobody logs in to.

Pulumi makes every CA, the administrator's certificate and the join token (`pki`). A node gets its configuration
(`configuration`) as user data (`user_data`) and fetches what is secret from AWS Systems Manager Parameter Store, so the
kubeconfig is known before the first node runs. What runs on a node is in `node/`, as it is.
"""
