package spacelift

approved(teams) = {"reviews": {"current": {"approvals": [approval | approval := {"session": {"teams": [teams[_]]}}], "rejections": []}}}

test_a_director_is_enough {
	approve with input as approved(["Director"])
}

test_devops_and_security_are_enough_together {
	approve with input as approved(["DevOps", "Security"])
}

test_one_of_them_alone_is_not {
	not approve with input as approved(["DevOps"])
	not approve with input as approved(["Security", "Design"])
}

test_nobody_is_not {
	not approve with input as approved([])
}
