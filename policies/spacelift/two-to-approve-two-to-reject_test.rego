package spacelift

reviewed(approvals, rejections) = {"reviews": {"current": {"approvals": approvals, "rejections": rejections}}}

bob := {"author": "bob"}

carol := {"author": "carol"}

test_two_approvals_approve {
	approve with input as reviewed([bob, carol], [])
	not reject with input as reviewed([bob, carol], [])
}

test_two_rejections_reject {
	reject with input as reviewed([], [bob, carol])
	not approve with input as reviewed([], [bob, carol])
}

test_one_of_each_leaves_it_open {
	not approve with input as reviewed([bob], [carol])
	not reject with input as reviewed([bob], [carol])
}
