package spacelift

run(branch, title) = {"run": {"branch": branch, "title": title}}

test_a_branch_is_flagged {
	flag == {"review:network"} with input as run("network/firewall", "Release")
}

test_a_title_is_flagged {
	flag == {"review:network"} with input as run("main", "network: open a port")
}

test_other_runs_are_not {
	flag == set() with input as run("main", "Release")
	flag == set() with input as run("main", null)
}
