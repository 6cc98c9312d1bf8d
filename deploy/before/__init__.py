"""What is looked at before anything changes: whose the namespace is, nodes, GPUs, storage, the way in."""
