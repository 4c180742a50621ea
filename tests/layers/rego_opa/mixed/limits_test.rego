package limits_test

import rego.v1

import data.limits

at(login, sizes) := {"login": login, "jobs": [{"name": sprintf("job %d", [index]), "size": size} | some index, size in sizes]}

test_pass_of_sre if count(limits.deny) == 0 with input as at("anne", [1, 9]) with data.config.teams as {"sre": ["anne"]}

test_pass_every_large_job_is_named if {
	expected := {"job 0 is too large: 10", "job 2 is too large: 99"}
	limits.deny == expected with input as at("anne", [10, 1, 99]) with data.config.teams.sre as ["anne"]
}

test_pass_a_rule_is_replaced if {
	count(limits.deny) == 0 with input as at("anne", [50]) with data.limits.limit as 100 with data.config.teams.sre as ["anne"]
}

test_pass_a_builtin_is_replaced if {
	limits.deny == {"x"} with input as at("bob", []) with sprintf as "x" with data.config.teams.sre as ["anne"]
}

test_pass_nested if {
	every size in [11, 12] {
		count(limits.deny) == 1 with input as at("anne", [size]) with data.config.teams.sre as ["anne"]
	}
}

test_pass_undefined_is_not_true if not limits.sample with input as {}

test_pass_default if limits.level == "low" with input as {}

test_pass_partial_input if limits.level == "high" with input.jobs as [{"size": 101}]

test_pass_prints if {
	print("level", limits.level)
	limits.limit_in_words == "ten"
}

test_fail_undefined if limits.nothing_such_as_this

test_fail_false := false

test_fail_number := 3

test_fail_text := "true"

test_fail_set contains true if true

test_fail_null := null

test_fail_expectation if count(limits.deny) == 5 with input as at("anne", [50])

test_fail_not if not limits.level == "low" with input as {}

test_fail_every if {
	every size in [9, 11] {
		count(limits.deny) == 1 with input as at("anne", [size]) with data.config.teams.sre as ["anne"]
	}
}

test_fail_with_undefined if count(limits.deny) >= 0 with input as input.nowhere

todo_test_later if limits.later

test_error_division if 1 / (limits.limit - 10) == 1

test_error_number if to_number("x") == 1

test_error_conflict if limits_of(1) == 1

limits_of(_) := 1

limits_of(_) := 2

test_error_complete_conflict if two == 1

two := 1 if true

two := 2 if true

test_error_in_a_mock if count(limits.deny) == 0 with input as at("anne", [1 / 0])

test_error_pattern if regex.match("(", "x")

test_error_modulo if 5 % 0 == 1
