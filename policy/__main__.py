"""What the engine starts for `--policy-pack policy`: it serves the rules until the engine is gone."""

from pulumi_policy import EnforcementLevel, PolicyPack

from policy.pack import NAME, policies

if __name__ == "__main__":
    PolicyPack(NAME, policies(), enforcement_level=EnforcementLevel.MANDATORY)
