package admins_by_hand

import rego.v1

test_an_admin_may if {
	count(deny) == 0 with input as {"session": {"login": "alice", "admin": true}}
}

test_others_may_not if {
	expected := {"only admins of the repository may start a release by hand: bob is not one"}
	deny == expected with input as {"session": {"login": "bob", "admin": false}}
}

test_an_unknown_account_may_not if {
	expected := {"only admins of the repository may start a release by hand: an unknown account is not one"}
	deny == expected with input as {"session": null}
}
