"""The stand-in for pulumi-kubernetes: any kind of object by server-side apply, and Helm releases by the helm program.

Rules taken from the documentation and the observed behaviour of the official provider, version 4.
"""
