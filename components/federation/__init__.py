"""What joins the meshes: members of other stacks, peers, and the services that all meshes answer for."""
