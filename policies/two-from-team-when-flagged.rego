# METADATA
# title: Two approvals by one team for flagged runs
# description: >-
#   A run with the flag `review:TEAM` needs approvals by two members of TEAM, whom `teams` in `[data]` lists. Other runs need nothing more. Each gate
#   brings one approval, so the rule needs two gates. Another policy must set the flag: see `flag-by-ref`.
# custom:
#   type: approval
#   labels: [people, team, flag, review]
package two_from_team_when_flagged

import rego.v1

approvals_needed := 2

# The teams that the flags of the run ask for.
teams contains substring(flag, count("review:"), -1) if {
	some flag in input.run.flags
	startswith(flag, "review:")
}

approvers(team) := {approval.session.login |
	some approval in input.reviews.current.approvals
	team in approval.session.teams
}

is_approved if {
	is_array(input.run.flags)
	every team in teams {
		count(approvers(team)) >= approvals_needed
	}
}

approve if is_approved

reject_with_note contains text if {
	some team in teams
	got := count(approvers(team))
	got < approvals_needed
	text := sprintf("%d of %d approvals by team %s", [got, approvals_needed, team])
}
