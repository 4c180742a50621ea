# METADATA
# title: No releases on weekends, as an approval policy
# description: >-
#   The task policy `no-weekends`, migrated. `deny` became `reject_with_note`, and `approve` is its opposite. An approval policy is asked about
#   every run, so this one also approves runs that nobody started by hand.
# custom:
#   type: approval
#   labels: [time, weekend, by-hand, migration]
package no_weekends_approval

import rego.v1

default time_zone := "UTC"

time_zone := data.config.time_zone

workdays := {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}

is_allowed if input.run.type != "TASK"

is_allowed if time.weekday([input.request.timestamp_ns, time_zone]) in workdays

approve if is_allowed

reject_with_note contains sprintf("no releases on weekends (time zone %s)", [time_zone]) if not is_allowed
