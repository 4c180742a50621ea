# METADATA
# title: Sample every tenth evaluation
# description: Logs about one evaluation in ten, for the workbench, by the millisecond at which it was made. It never denies.
# custom:
#   type: initialization
#   labels: [sample, workbench]
package sample_every_tenth

import rego.v1

sample if {
	milliseconds := round(input.request.timestamp_ns / 1000000)
	milliseconds % 10 == 0
}
