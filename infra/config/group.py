"""What every configuration group is."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Group(BaseModel):
    """A configuration group: frozen, unknown keys refused, types taken as they are written."""

    # A key has one spelling, the configuration's; in code too, since a second one would get past the rules.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel)
