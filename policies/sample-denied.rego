# METADATA
# title: Sample what is denied
# description: >-
#   Logs the input of every run that another check or policy denied, for the workbench. It always approves, so it blocks nothing. It is not asked
#   while a gate may still be passed.
# custom:
#   type: approval
#   labels: [sample, workbench]
package sample_denied

import rego.v1

approve := true

sample if {
	some check in input.checks
	check.verdict == "fail"
}
