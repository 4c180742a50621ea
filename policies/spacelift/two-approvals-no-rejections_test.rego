package spacelift

reviewed(approvals, rejections) = {"reviews": {"current": {"approvals": approvals, "rejections": rejections}}}

bob := {"author": "bob"}

carol := {"author": "carol"}

test_two_approvals_are_enough {
	approve with input as reviewed([bob, carol], [])
}

test_one_approval_is_not_enough {
	not approve with input as reviewed([bob], [])
}

test_a_rejection_stands_in_the_way {
	not approve with input as reviewed([bob, carol], [{"author": "dave"}])
}
