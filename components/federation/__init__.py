"""The federation of meshes: the meshes of other stacks (peers), and the services that meshes export to each other."""
