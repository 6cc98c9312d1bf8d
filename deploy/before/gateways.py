"""Whether the Gateway that a stack uses is there, asked of the cluster before anything changes."""

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError, DeployError, ForbiddenError
from infra.config import StackConfig

_KIND = "gateways.gateway.networking.k8s.io"


def require_gateway(config: StackConfig, cluster: Cluster) -> None:
    """See that a Gateway that others made can be read; what its listener takes, the program sees.

    Raises:
        DeployError: it can't; in one line.
    """
    gateway = config.endpoint.gateway
    if gateway is None:
        return
    place = f"endpoint.gateway: Gateway {gateway.namespace}/{gateway.name}"
    try:
        cluster.kubectl("get", _KIND, gateway.name, f"--namespace={gateway.namespace}", "--output=name")
    except ForbiddenError as error:
        raise DeployError(
            f"{place} may not be read by this user; accepted: the verb get on {_KIND} in namespace "
            f"{gateway.namespace}, by a Role and a RoleBinding there"
        ) from error
    except CommandFailedError as error:
        if "(NotFound)" in str(error):
            raise DeployError(
                f"{place} is not there; accepted: one that kubectl get {_KIND} --all-namespaces lists; "
                f"correct it in Pulumi.{config.stack}.yaml"
            ) from error
        raise DeployError(f"{place} was not read: {error}; mend that and run again") from error
