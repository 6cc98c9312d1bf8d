"""Bringing a stack up and proving it: each step is another part, run as a command."""
