package spacelift

test_an_admin_may {
	deny == set() with input as {"session": {"admin": true}}
}

test_others_may_not {
	deny == {"only admins may start a release by hand"} with input as {"session": {"admin": false}}
}
