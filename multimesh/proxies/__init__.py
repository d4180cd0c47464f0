"""The proxies of a cluster: what each trusts, presents and looks up, and the workload that restarts it."""
