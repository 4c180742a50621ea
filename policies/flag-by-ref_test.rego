package flag_by_ref

import rego.v1

config := {"flags": [
	{"flag": "review:sre", "ref": "hotfix/*"},
	{"flag": "review:dba", "title": "(?i)database"},
	{"flag": "review:security", "ref": "v*", "title": "^Rotate "},
]}

run(ref, title) := {"run": {"ref": ref, "title": title}}

flagged(ref, title) := texts if {
	texts := flag with input as run(ref, title) with data.config as config
}

denied(given) := texts if {
	texts := deny with input as run("main", "Release") with data.config as given
}

test_a_branch_sets_a_flag if {
	flagged("hotfix/login", "Release") == {"review:sre"}
}

test_a_star_matches_no_slash if {
	flagged("hotfix/login/again", "Release") == set()
}

test_a_title_sets_a_flag if {
	flagged("main", "Move the Database") == {"review:dba"}
}

test_both_must_match_where_both_are_given if {
	flagged("v1.2", "Rotate keys") == {"review:security"}
	flagged("v1.2", "Release") == set()
	flagged("main", "Rotate keys") == set()
}

test_a_run_may_have_no_title if {
	flagged("hotfix/login", null) == {"review:sre"}
}

test_a_list_that_can_be_read_denies_nothing if {
	denied(config) == set()
	denied({"flags": []}) == set()
}

test_without_a_list_every_run_is_denied if {
	denied({}) == {"no flags to set: [data] has no list named flags"}
}

test_an_entry_that_cannot_be_read_denies_every_run if {
	unreadable := [
		"x",
		{"flag": "x"},
		{"ref": "main"},
		{"flag": "x", "branch": "main"},
		{"flag": "x", "ref": "main", "branch": "main"},
		{"flag": 1, "ref": "main"},
		{"flag": "x", "ref": ["main"]},
	]
	every entry in unreadable {
		denied({"flags": [entry]}) == {"flags in [data]: entry 1 cannot be read, expected flag, and ref or title or both"}
	}
}
