"""The cluster's side of a gate: the lease, the kept releases, the storage, and what runs."""
