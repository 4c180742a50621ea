package allow_list

import rego.v1

release := ".github/workflows/release.yml"

config := {"allow": {"workflows": [release], "actors": ["Alice", "release-bot[bot]"]}}

run(change) := {"run": object.union(
	{
		"workflow": release,
		"actor": {"login": "alice"},
		"triggering_actor": {"login": "alice"},
		"earlier_attempts": [],
	},
	change,
)}

denied(change) := texts if {
	texts := deny with input as run(change) with data.config as config
}

test_who_and_what_is_listed_may if {
	denied({}) == set()
	denied({"actor": {"login": "ALICE"}}) == set()
}

test_another_workflow_may_not if {
	denied({"workflow": ".github/workflows/other.yml"}) == {"workflow .github/workflows/other.yml is not on the allow list"}
}

test_whoever_is_not_listed_may_not_start_the_run if {
	denied({"actor": {"login": "mallory"}}) == {"mallory is not on the allow list"}
}

test_whoever_is_not_listed_may_not_start_an_attempt if {
	denied({"triggering_actor": {"login": "mallory"}}) == {"mallory is not on the allow list"}
	denied({"earlier_attempts": [{"triggering_actor": {"login": "mallory"}}]}) == {"mallory is not on the allow list"}
}

test_an_unknown_account_may_not if {
	denied({"triggering_actor": null}) == {"an unknown account is not on the allow list"}
}

test_a_text_is_not_a_list if {
	texts := deny with input as run({}) with data.config as {"allow": {"workflows": release, "actors": "alice"}}
	count(texts) == 4
}

test_without_a_list_every_run_is_denied if {
	texts := deny with input as run({}) with data.config as {}
	texts == {
		"no allow list: [data] has no list allow.workflows",
		"no allow list: [data] has no list allow.actors",
		sprintf("workflow %s is not on the allow list", [release]),
		"alice is not on the allow list",
	}
}
