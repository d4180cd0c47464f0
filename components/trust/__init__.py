"""The root CA, created by a stack or brought by the user, and the intermediate CAs of the meshes."""
