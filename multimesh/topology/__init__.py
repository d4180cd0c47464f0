"""One picture of a stack: its meshes, services, callers and trust, from the stack's outputs alone."""
