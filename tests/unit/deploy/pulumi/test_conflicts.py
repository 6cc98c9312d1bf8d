from deploy.pulumi.conflicts import conflict_lines

URN = "urn:pulumi:dev::densenet-triton::densenet:infra:Triton$kubernetes:apps/v1:Deployment::triton-deployment"
REPORTED = (
    '1 error occurred:\n\t* the Kubernetes API server reported that "triton-dev/triton" failed to fully initialize or '
    "become live: Server-Side Apply field conflict detected. See https://www.pulumi.com/registry for troubleshooting "
    'help.\nThe resource managed by field manager "pulumi-kubernetes-c6dc0ad7" had an apply conflict: '
    "Apply failed with "
)


def test_a_conflict_is_one_line_with_its_cure() -> None:
    said = f'{REPORTED}1 conflict: conflict with "other": .spec.replicas\n\n'

    [line] = conflict_lines([(URN, said), (URN, said), ("", "update failed\n")])

    assert line == (
        "Deployment triton-dev/triton: .spec.replicas is held by field manager 'other', which has applied another "
        "value than the stack declares; accepted: fields that are the stack's alone; have 'other' let go of it, or "
        "take it over: the same command once more, with PULUMI_K8S_ENABLE_PATCH_FORCE=true in its environment"
    )


def test_each_manager_has_its_line_with_all_of_its_fields() -> None:
    said = (
        f'{REPORTED}3 conflicts: conflicts with "one" using apps/v1:\n- .spec.replicas\n'
        '- .spec.template.spec.containers[name="triton"].image\nconflicts with "two" with subresource "scale":\n'
        "- .spec.strategy\n\n"
    )

    lines = conflict_lines([(URN, said)])

    held = '.spec.replicas, .spec.template.spec.containers[name="triton"].image'
    assert [line.partition(", which")[0] for line in lines] == [
        f"Deployment triton-dev/triton: {held} is held by field manager 'one'",
        "Deployment triton-dev/triton: .spec.strategy is held by field manager 'two'",
    ]


def test_any_other_error_is_none() -> None:
    assert conflict_lines([(URN, "timed out waiting to be Ready")]) == []
