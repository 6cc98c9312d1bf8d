"""The gate: a deployment that proves itself, or puts the last good one back."""
