"""Why a deployment does not come up, in Kubernetes' own words: of pods, of what makes them, of claims, of routes."""
