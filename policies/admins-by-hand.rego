# METADATA
# title: Only admins may start a release by hand
# description: Denies a run that a person started by hand, unless that person is an admin of the repository. Costs one more call to GitHub.
# custom:
#   type: task
#   labels: [people, admin, by-hand]
package admins_by_hand

import rego.v1

default starter := "an unknown account"

starter := input.session.login

deny contains sprintf("only admins of the repository may start a release by hand: %s is not one", [starter]) if {
	not input.session.admin
}
