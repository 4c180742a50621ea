package two_from_team_when_flagged

import rego.v1

by(login, teams) := {"author": login, "session": {"login": login, "teams": teams}}

run(flags, approvals) := {"run": {"flags": flags}, "reviews": {"current": {"approvals": approvals, "rejections": []}}}

bob := by("bob", ["sre"])

carol := by("carol", ["sre", "security"])

test_a_run_without_a_flag_needs_nothing if {
	approve with input as run(["colour:green", "reviewed"], [])
	count(reject_with_note) == 0 with input as run(["colour:green", "reviewed"], [])
}

test_two_members_of_the_team_are_enough if {
	approve with input as run(["review:sre"], [bob, carol])
	count(reject_with_note) == 0 with input as run(["review:sre"], [bob, carol])
}

test_one_member_is_not_enough if {
	not approve with input as run(["review:sre"], [bob, by("dave", [])])
	expected := {"1 of 2 approvals by team sre"}
	reject_with_note == expected with input as run(["review:sre"], [bob, by("dave", [])])
}

test_each_team_that_is_asked_for_counts if {
	flags := ["review:sre", "review:security"]
	not approve with input as run(flags, [bob, carol])
	reject_with_note == {"1 of 2 approvals by team security"} with input as run(flags, [bob, carol])
}

test_one_person_counts_once if {
	not approve with input as run(["review:sre"], [bob, bob])
}

test_a_team_without_a_name_or_members_is_never_enough if {
	not approve with input as run(["review:"], [bob, carol])
}

test_a_run_whose_flags_are_not_known_waits if {
	not approve with input as {}
	count(reject_with_note) == 0 with input as {}
}
