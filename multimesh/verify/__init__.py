"""`multimesh verify`: requests to every mesh, and whether the right meshes answered them."""
