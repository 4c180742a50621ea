# METADATA
# title: Network review
# description: >-
#   An approval policy in Rego v0. A run that `flag-for-review` flagged needs an approval by the team Network, which `teams` in `[data]` lists; other runs
#   need nothing more.
# custom:
#   type: approval
#   labels: [spacelift, people, team, flag, review]
package spacelift

needs_review { input.run.flags[_] == "review:network" }

approve { not needs_review }

approve { input.reviews.current.approvals[_].session.teams[_] == "Network" }
