"""The Pulumi program: from the configuration through the components to the outputs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from infra.components.build_job import PlanBuildArgs
from infra.components.endpoint import Endpoint, EndpointArgs
from infra.components.network_policies import NetworkPolicies, NetworkPoliciesArgs
from infra.components.node_pool import NodePool, NodePoolArgs
from infra.components.plan_build import PlanBuild
from infra.components.storage_mount import StorageMount, StorageMountArgs
from infra.components.triton import Triton, TritonArgs
from infra.components.triton_pod import Expected
from infra.config.ownership import owned_by
from infra.config.rollout import announcement
from infra.config.storages import ClaimStorage
from infra.kubeconfig import kubeconfig_text
from infra.release import build_gpus, build_spec, build_ways, fetch_ports, release_from_config, source_url

if TYPE_CHECKING:
    from infra.components.node_pool import Placement
    from infra.config import StackConfig
    from infra.release import Release

_RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the stack's pods run.

    Attributes:
        namespace: theirs.
        claim_name: claim on the storage.
        placement: on which nodes.
        fence: NetworkPolicies around them; none where there are none.
    """

    namespace: pulumi.Output[str]
    claim_name: pulumi.Output[str]
    placement: Placement
    fence: tuple[NetworkPolicies, ...]


def outputs_from_config(config: StackConfig) -> dict[str, pulumi.Input[Any]]:
    """Declare a stack.

    Args:
        config: checked, with its inputs.

    Returns:
        The stack's outputs: url, modelName, planId, manifest, namespace, maxBodyBytes, jsonBodies, clients,
        certificateAuthority.
    """
    release = release_from_config(config)
    provider = _provider(config)
    opts = pulumi.ResourceOptions(providers={"kubernetes": provider})
    namespace = _namespace(config, provider)
    nodes = NodePool("node-pool", _node_pool_args(config), opts)
    storage = StorageMount("storage", _storage_mount_args(config, namespace), opts)
    policies = _network_policies(config, namespace, opts)
    place = _Place(namespace=namespace, claim_name=storage.claim_name, placement=nodes.placement, fence=policies)
    build = PlanBuild("plan", _plan_build_args(config, release, place), opts)
    triton = Triton("triton", _triton_args(config, release, place, build=build), opts)
    if config.serving.gpus_per_replica:
        pulumi.log.info(announcement(config.rollout, config.timeouts), triton)
    endpoint = Endpoint("endpoint", _endpoint_args(config, namespace, triton), opts)
    return {
        "url": endpoint.url,
        "modelName": config.model.name,
        "planId": release.plan_id,
        "manifest": build.manifest,
        "namespace": namespace,
        "maxBodyBytes": config.largest_body_bytes,
        "jsonBodies": config.json_bodies,
        "clients": sorted(config.endpoint.clients),
        "certificateAuthority": endpoint.certificate_authority,
    }


def _provider(config: StackConfig) -> kubernetes.Provider:
    """The context that the configuration names, and no other.

    The context's name says which cluster it is: with another kubeconfig, or another machine's, nothing is replaced. Of
    the kubeconfig the state holds the contents, as a secret, and no path.
    """
    path, context = config.cluster.kubeconfig_path, config.cluster.context
    text = kubeconfig_text(path, context) if path else None
    return kubernetes.Provider(
        "cluster",
        cluster_identifier=context,
        context=context,
        # Without any, Pulumi's class would put the variable KUBECONFIG here, a path; the provider reads that by itself
        kubeconfig="" if text is None else pulumi.Output.secret(text),
        # What changes in one changes in place, clients' keys too, so that there is always one; what must not change is
        # named by its content
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def _namespace(config: StackConfig, provider: kubernetes.Provider) -> pulumi.Output[str]:
    """The stack's own namespace, or the name of one that others made, which is theirs to look after.

    A claim that is kept, and one that others made, would go with the namespace: then that stays, too.
    """
    if not config.cluster.create_namespace:
        return pulumi.Output.from_input(config.cluster.namespace)
    namespace = core.Namespace(
        "namespace",
        metadata=meta.ObjectMetaArgs(
            name=config.cluster.namespace, labels=_RESTRICTED, annotations=owned_by(config.stack)
        ),
        opts=pulumi.ResourceOptions(provider=provider, retain_on_delete=isinstance(config.storage, ClaimStorage)),
    )
    return namespace.metadata.name.apply(str)


def _node_pool_args(config: StackConfig) -> NodePoolArgs:
    return NodePoolArgs(
        pool=config.node_pool,
        pool_name=config.cluster.namespace,
        has_gpu=config.serving.gpus_per_replica > 0,
    )


def _storage_mount_args(config: StackConfig, namespace: pulumi.Output[str]) -> StorageMountArgs:
    return StorageMountArgs(
        namespace=namespace,
        volume_prefix=config.cluster.namespace,
        stack=config.stack,
        storage=config.storage,
    )


def _network_policies(
    config: StackConfig, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> tuple[NetworkPolicies, ...]:
    """The NetworkPolicies, where the cluster is not one that would pass them over."""
    if not config.cluster.network_policies:
        return ()
    args = NetworkPoliciesArgs(
        namespace=namespace,
        owns_namespace=config.cluster.create_namespace,
        http_port=config.serving.http_port,
        admitted=config.endpoint.admit,
        api_server=config.cluster.api_server,
        fetch_ports=fetch_ports(config),
        build_egress=build_ways(config),
    )
    return (NetworkPolicies("network-policies", args, opts),)


def _plan_build_args(config: StackConfig, release: Release, place: _Place) -> PlanBuildArgs:
    return PlanBuildArgs(
        namespace=place.namespace,
        plan_id=release.plan_id,
        spec=json.dumps(build_spec(config, release), indent=2),
        source_url=source_url(config),
        labels=config.inputs.labels_text,
        pictures={picture.sha256: picture.data for picture in config.inputs.pictures if picture.data is not None},
        builder_image=release.builder_image,
        serving=config.serving,
        claim_name=place.claim_name,
        placement=place.placement,
        gpus=build_gpus(config),
        resources=config.model.build_resources,
        timeout_s=config.timeouts.build_s,
        pulumi_timeout_s=config.timeouts.pulumi_build_s,
        proxy=config.cluster.build_proxy,
        fence=place.fence,
    )


def _triton_args(config: StackConfig, release: Release, place: _Place, *, build: PlanBuild) -> TritonArgs:
    return TritonArgs(
        namespace=place.namespace,
        plan_id=release.plan_id,
        manifest_sha256=build.manifest_sha256,
        expected=Expected(
            model=config.model.name,
            max_batch_size=config.model.max_batch_size,
            gpu_product=config.node_pool.gpu_product if config.model.target == "tensorrt" else None,
            pictures=[(picture.sha256, picture.expectation) for picture in config.inputs.pictures],
        ),
        labels=config.inputs.labels_text,
        image=release.serving_image,
        serving=config.serving,
        claim_name=place.claim_name,
        placement=place.placement,
        largest_body_bytes=config.largest_body_bytes,
        rollout=config.rollout,
        pulumi_timeout_s=config.timeouts.pulumi_rollout_s,
        published_by=build.job,
        fence=place.fence,
    )


def _endpoint_args(config: StackConfig, namespace: pulumi.Output[str], triton: Triton) -> EndpointArgs:
    return EndpointArgs(
        namespace=namespace,
        path_prefix=f"/{config.cluster.namespace}",
        model=config.model.name,
        endpoint=config.endpoint,
        json_bodies=config.json_bodies,
        service_name=triton.service_name,
        service_port=triton.service_port,
    )
