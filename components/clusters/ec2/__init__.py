"""A cluster on EC2, created with kubeadm: network, security, load balancer, nodes.

`settings` and `preflight` do not import the AWS SDK. All other modules do; only a stack with such a cluster imports
them.
"""
