# METADATA
# title: Business hours
# description: >-
#   Denies runs outside business hours: Monday to Friday, 09:00 to 17:00 UTC, unless `business_hours` in `[data]` sets other `days`, `from`, `to` or
#   `time_zone`. If it has a mistake, every run is denied.
# custom:
#   type: initialization
#   labels: [time]
package business_hours

import rego.v1

defaults := {
	"time_zone": "UTC",
	"days": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
	"from": "09:00",
	"to": "17:00",
}

weekdays := {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

default configured := {}

configured := data.config.business_hours

hours := object.union(defaults, configured)

now := time.format([input.request.timestamp_ns, hours.time_zone, "15:04:05"])

is_open if {
	time.weekday([input.request.timestamp_ns, hours.time_zone]) in hours.days
	hours.from <= now
	now < hours.to
}

deny contains sprintf("releases are open from %s to %s on %s (time zone %s)", texts) if {
	count(mistakes) == 0
	not is_open
	texts := [hours.from, hours.to, concat(", ", hours.days), hours.time_zone]
}

deny contains sprintf("business_hours in [data]: %s", [mistake]) if some mistake in mistakes

# A misspelled key would change nothing, and nobody would notice.
mistakes contains sprintf("unknown key %s", [key]) if {
	some key in object.keys(configured)
	not key in object.keys(defaults)
}

mistakes contains sprintf("got %s = %v, expected a time such as 09:00", [key, hours[key]]) if {
	some key in ["from", "to"]
	not is_time(hours[key])
}

mistakes contains sprintf("got day %v, expected one such as Monday", [day]) if {
	is_array(hours.days)
	some day in hours.days
	not day in weekdays
}

mistakes contains sprintf("got days = %v, expected a list", [hours.days]) if not is_array(hours.days)

mistakes contains "from must be before to" if not hours.from < hours.to

is_time(text) if {
	is_string(text)
	regex.match(`^([01][0-9]|2[0-4]):[0-5][0-9](:[0-5][0-9])?$`, text)
}
