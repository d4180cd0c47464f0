"""Instances that start from a launch template that no rule can judge."""

import pytest
from policy_pack import stack_resource, stack_violations

SPOT, FLEET = "aws:ec2/spotInstanceRequest:SpotInstanceRequest", "aws:ec2/spotFleetRequest:SpotFleetRequest"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
ELSEWHERE = "own-launch-templates: launchTemplate: must be a launch template of this stack: no rule can judge another"


@pytest.mark.parametrize(
    "type", ["aws:autoscaling/group:Group", "aws:ec2/instance:Instance", SPOT, "aws:eks/nodeGroup:NodeGroup"]
)
def test_a_launch_template_that_no_rule_sees_is_refused(type: str) -> None:
    template = stack_resource(TEMPLATE, "template", {"name": "ours"})
    inputs = {"launchTemplate": {"id": "lt-1"}}
    assert stack_violations([template, stack_resource(type, "nodes", inputs)]) == [f"nodes: {ELSEWHERE}"]
    of_the_stack = stack_resource(type, "nodes", inputs, launchTemplate=[template])
    by_name = stack_resource(type, "nodes", {"launchTemplate": {"name": "ours"}})
    assert stack_violations([template, of_the_stack, by_name]) == []


@pytest.mark.parametrize(
    ("type", "inputs", "key"),
    [
        (FLEET, {"launchTemplateConfigs": [{"launchTemplateSpecification": {"id": "lt-1"}}]}, "launchTemplateConfigs"),
        ("aws:ec2/fleet:Fleet", {"launchTemplateConfigs": [{}]}, "launchTemplateConfigs"),
        ("aws:autoscaling/group:Group", {"mixedInstancesPolicy": {"launchTemplate": {}}}, "mixedInstancesPolicy"),
        ("aws:eks/nodeGroup:NodeGroup", {}, "launchTemplate"),
    ],
)
def test_so_is_one_of_a_fleet_or_none_where_the_cloud_then_takes_its_own(type: str, inputs: dict, key: str) -> None:
    (said,) = stack_violations([stack_resource(type, "nodes", inputs)])
    assert said.startswith(f"nodes: own-launch-templates: {key}: must be a launch template of this stack")


def test_instances_without_a_launch_template_are_for_the_other_rules() -> None:
    assert stack_violations([stack_resource("aws:ec2/instance:Instance", "node", {})]) == []
