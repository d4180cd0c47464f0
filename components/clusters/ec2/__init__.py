"""A cluster of one's own on EC2, made by kubeadm: network, security, load balancer, nodes.

`credentials` is light; the rest imports the AWS SDK, which only a stack with such a cluster should pay for.
"""
