"""What a deployment waits for: shown as it goes, ended where it can't succeed, with Kubernetes' own reasons."""
