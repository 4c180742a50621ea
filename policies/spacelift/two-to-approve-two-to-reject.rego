# METADATA
# title: Two to approve, two to reject
# description: >-
#   An approval policy in Rego v0. Approves a run once two people approved its gates, and rejects it once its gates were rejected twice. Each gate brings
#   one approval, so the rule needs two gates.
# custom:
#   type: approval
#   labels: [spacelift, people, review]
package spacelift

approve { count(input.reviews.current.approvals) >= 2 }

reject { count(input.reviews.current.rejections) >= 2 }
