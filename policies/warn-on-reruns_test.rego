package warn_on_reruns

import rego.v1

test_a_first_attempt_gets_no_warning if {
	count(warn) == 0 with input as {"run": {"attempt": 1, "triggering_actor": {"login": "alice"}}}
}

test_a_re_run_gets_one if {
	expected := {"this is attempt 3 of the run, started by alice"}
	warn == expected with input as {"run": {"attempt": 3, "triggering_actor": {"login": "alice"}}}
}

test_the_account_may_be_unknown if {
	expected := {"this is attempt 2 of the run, started by an unknown account"}
	warn == expected with input as {"run": {"attempt": 2, "triggering_actor": null}}
}
