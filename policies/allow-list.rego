# METADATA
# title: Allow list
# description: >-
#   Allows only listed workflows, started by listed accounts. `allow` in `[data]` has the lists `workflows` (paths, as in the rule) and `actors`
#   (logins). Whoever started the run, or an attempt of it that counts, must be listed. If a list is missing, every run is denied.
# custom:
#   type: initialization
#   labels: [people, workflow]
package allow_list

import rego.v1

deny contains sprintf("no allow list: [data] has no list allow.%s", [list]) if {
	some list in ["workflows", "actors"]
	not has(list)
}

deny contains sprintf("workflow %s is not on the allow list", [input.run.workflow]) if not is_listed_workflow

deny contains sprintf("%s is not on the allow list", [name(who)]) if {
	some who in starters
	not is_listed(who)
}

has(list) if is_array(data.config.allow[list])

is_listed_workflow if {
	has("workflows")
	input.run.workflow in data.config.allow.workflows
}

starters := {input.run.actor, input.run.triggering_actor} | {attempt.triggering_actor |
	some attempt in input.run.earlier_attempts
}

# Logins ignore case on GitHub.
is_listed(who) if {
	has("actors")
	some login in data.config.allow.actors
	lower(login) == lower(who.login)
}

name(who) := who.login

name(null) := "an unknown account"
