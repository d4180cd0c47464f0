"""What the rooms' settings share: names, networks, strict models, and how mistakes are reported."""
