# METADATA
# title: No releases on weekends
# description: Denies a run that a person started by hand, on Saturdays and Sundays. `time_zone` in `[data]` sets whose days count; default UTC.
# custom:
#   type: task
#   labels: [time, weekend, by-hand]
package no_weekends

import rego.v1

default time_zone := "UTC"

time_zone := data.config.time_zone

workdays := {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}

is_workday if time.weekday([input.request.timestamp_ns, time_zone]) in workdays

deny contains sprintf("no releases on weekends (time zone %s)", [time_zone]) if not is_workday
