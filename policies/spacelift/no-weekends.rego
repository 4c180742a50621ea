# METADATA
# title: No weekends
# description: A task policy in Rego v0. Denies a run that a person started by hand, on Saturdays and Sundays, UTC.
# custom:
#   type: task
#   labels: [spacelift, time, weekend, by-hand]
package spacelift

weekend := {"Saturday", "Sunday"}

deny["no releases on weekends"] {
	weekend[time.weekday(input.request.timestamp_ns)]
}
