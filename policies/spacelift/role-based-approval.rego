# METADATA
# title: Role-based approval
# description: >-
#   An approval policy in Rego v0. Approves a run once a member of the team Director, or one of DevOps and one of Security, approved its gates. `teams` in
#   `[data]` lists the members.
# custom:
#   type: approval
#   labels: [spacelift, people, team, review]
package spacelift

approved_by[team] { team := input.reviews.current.approvals[_].session.teams[_] }

approve { approved_by["Director"] }

approve {
	approved_by["DevOps"]
	approved_by["Security"]
}
