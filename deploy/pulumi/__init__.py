"""The stack as Pulumi knows it: its state, its updates, and what has become of what it declares."""
