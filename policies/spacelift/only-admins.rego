# METADATA
# title: Only admins
# description: A task policy in Rego v0. Denies a run that a person started by hand, unless that person is an admin of the repository.
# custom:
#   type: task
#   labels: [spacelift, people, admin, by-hand]
package spacelift

deny["only admins may start a release by hand"] { not input.session.admin }
