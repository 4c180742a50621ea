package spacelift

run(flags, teams) = {
	"run": {"flags": flags},
	"reviews": {"current": {"approvals": [{"session": {"teams": teams}}], "rejections": []}},
}

test_a_run_without_the_flag_needs_nothing {
	approve with input as run(["review:database"], [])
}

test_a_flagged_run_needs_the_team {
	not approve with input as run(["review:network"], ["Database"])
	approve with input as run(["review:network"], ["Database", "Network"])
}
