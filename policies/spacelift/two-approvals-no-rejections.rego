# METADATA
# title: Two approvals, no rejections
# description: >-
#   An approval policy in Rego v0. Approves a run once two people approved its gates and nobody rejected one; waits until then. Each gate brings one
#   approval, so the rule needs two gates.
# custom:
#   type: approval
#   labels: [spacelift, people, review]
package spacelift

reviews := input.reviews.current

approve {
	count(reviews.approvals) >= 2
	count(reviews.rejections) == 0
}
