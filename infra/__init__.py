"""The Pulumi program: configuration, components, outputs."""
