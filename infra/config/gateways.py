"""A Gateway that exists: the configuration's ``endpoint.gateway``."""

from pydantic import Field

from infra.config.group import Group
from infra.config.text import DnsLabel, DnsName

HTTP_PORT = 80
"""HTTP's own, and a Gateway's by default."""


class ExistingGateway(Group):
    """A Gateway that others made, with a listener that takes routes of the stack's namespace."""

    name: DnsName = Field(description="Its name.", examples=["public"])
    namespace: DnsLabel = Field(description="Its namespace.", examples=["gateways"])
    section: DnsName = Field(
        description="Name of its listener, HTTP or HTTPS, which the URL has scheme and port from.", examples=["https"]
    )
