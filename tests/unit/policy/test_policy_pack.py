"""The policy pack as a whole: no rule without a case that breaks it."""

import pytest
import test_policy
import test_ways_around
import test_ways_around_objects
from interpreter import printed_by
from policy_pack import RULES
from pulumi_policy import StackValidationPolicy

CASES = [*test_policy.BROKEN, *test_ways_around.REFUSED, *test_ways_around_objects.REFUSED]


@pytest.mark.parametrize("rule", [rule.name for rule in RULES if not isinstance(rule, StackValidationPolicy)])
def test_every_rule_is_broken_by_a_case(rule: str) -> None:
    assert any(message.startswith(f"{rule}: ") for _, _, message in CASES)


def test_the_one_rule_about_a_whole_stack_has_tests_of_its_own() -> None:
    assert [rule.name for rule in RULES if isinstance(rule, StackValidationPolicy)] == ["own-launch-templates"]


def test_the_pack_imports_no_clouds_sdk() -> None:
    said = printed_by(
        "import runpy, sys, pulumi_policy",
        "pulumi_policy.PolicyPack = lambda *_, **__: None",
        "runpy.run_path('policy', run_name='__main__')",
        "print([name for name in sys.modules if name in ('pulumi_aws', 'pulumi_gcp', 'pulumi_kubernetes')])",
    )
    assert said == "[]\n"
