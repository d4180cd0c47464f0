"""A cluster on EC2, made by kubeadm: network, security, load balancer, nodes.

`settings` and `preflight` do not import the AWS SDK; the rest does, and only a stack with such a cluster imports it.
"""
