"""The stand-in for pulumi-tls: private keys, certificate requests and certificates, made by `cryptography`.

Rules taken from the documentation of the official provider and of hashicorp/tls, which it wraps.
"""
