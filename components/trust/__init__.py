"""The root CA, made here or brought by the user, and the intermediate CAs of the meshes."""
