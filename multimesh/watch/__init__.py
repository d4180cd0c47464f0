"""The picture, live: a page on this machine alone, by the counters of the meshes' own proxies."""
