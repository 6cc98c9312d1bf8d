"""Pulumi's language host for Python, over Pulumi's own generated gRPC stubs.

Pulumi's engine starts it for a project whose runtime is `python`. The official one is a Go program that comes with
the official CLI; its Go module is not published, so a CLI that was built from its module uses this one.
"""
