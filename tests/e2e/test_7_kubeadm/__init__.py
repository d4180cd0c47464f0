"""The user data of a cloud's nodes, booted for real: control-plane nodes and a worker, from user data alone."""
