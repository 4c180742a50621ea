package traps_test

import rego.v1

test_fail_a_negated_call_of_what_is_missing if not is_array(data.config.freezes)

test_fail_a_negated_in_of_what_is_missing if not "main" in data.config.refs

is_list if is_array(data.config.freezes)

test_pass_a_negated_rule if not is_list

test_pass_a_negated_reference if not data.config.freezes

denied contains sprintf("frozen: %s", [freeze.reason]) if some freeze in [{}]

test_pass_a_reason_whose_value_is_missing_is_missing if count(denied) == 0

explained contains sprintf("frozen: %s", [object.get(freeze, "reason", "no reason given")]) if some freeze in [{}]

test_pass_a_reason_with_a_default if explained == {"frozen: no reason given"}

test_pass_some_holds_if_one_does if {
	some x in [1, 2]
	x == 2
}

test_fail_every_needs_all if {
	every x in [1, 2] {
		x == 2
	}
}

test_pass_null_is_less_than_a_number if null < -5

test_pass_nothing_is_in_null if not "x" in null

test_pass_one_argument_too_many_is_compared_with_the_result if is_string(1, false)

test_fail_one_argument_too_many_that_differs if is_string("x", false)
