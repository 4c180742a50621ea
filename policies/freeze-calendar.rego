# METADATA
# title: Release freezes
# description: >-
#   Denies runs during a freeze. `freezes` in `[data]` is a list of tables with `from`, `to` (RFC 3339 instants; the freeze ends at `to`) and `reason`.
#   `freezes = []` means that there is no freeze. If the list is missing or cannot be read, every run is denied.
# custom:
#   type: initialization
#   labels: [time, freeze, calendar]
package freeze_calendar

import rego.v1

instant := `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`

freezes := data.config.freezes

is_list if is_array(freezes)

deny contains "no freeze calendar: [data] has no list named freezes (an empty one means no freeze)" if not is_list

deny contains sprintf("freezes in [data]: entry %d cannot be read, expected from and a later to, such as 2026-12-19T00:00:00Z", [number]) if {
	is_list
	some index, freeze in freezes
	not is_readable(freeze)
	number := index + 1
}

deny contains sprintf("release freeze until %s: %s", [freeze.to, reason(freeze)]) if {
	is_list
	some freeze in freezes
	nanoseconds(freeze.from) <= input.request.timestamp_ns
	input.request.timestamp_ns < nanoseconds(freeze.to)
}

is_readable(freeze) if nanoseconds(freeze.from) < nanoseconds(freeze.to)

nanoseconds(text) := time.parse_rfc3339_ns(text) if {
	is_string(text)
	regex.match(instant, text)
}

reason(freeze) := object.get(freeze, "reason", "no reason given")
