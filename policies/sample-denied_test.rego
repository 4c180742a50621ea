package sample_denied

import rego.v1

passed := {"id": "ref", "gate": null, "policy": null, "verdict": "pass"}

denied := {"id": "policy", "gate": null, "policy": "business-hours", "verdict": "fail"}

test_it_always_approves if {
	approve with input as {"checks": [denied]}
}

test_what_another_policy_denied_is_sampled if {
	sample with input as {"checks": [passed, denied]}
}

test_what_passed_is_not if {
	not sample with input as {"checks": [passed]}
}
