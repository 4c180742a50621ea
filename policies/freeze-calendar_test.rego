package freeze_calendar

import rego.v1

holidays := {"from": "2026-12-19T00:00:00Z", "to": "2027-01-04T09:00:00+01:00", "reason": "holidays"}

denied(instant, config) := texts if {
	run := {"request": {"timestamp_ns": time.parse_rfc3339_ns(instant)}}
	texts := deny with input as run with data.config as config
}

test_before_a_freeze_runs_may_go_on if {
	count(denied("2026-12-18T23:59:59Z", {"freezes": [holidays]})) == 0
}

test_a_freeze_denies_with_its_reason if {
	expected := {"release freeze until 2027-01-04T09:00:00+01:00: holidays"}
	denied("2026-12-19T00:00:00Z", {"freezes": [holidays]}) == expected
	denied("2027-01-04T07:59:59Z", {"freezes": [holidays]}) == expected
}

test_after_a_freeze_runs_may_go_on if {
	count(denied("2027-01-04T08:00:00Z", {"freezes": [holidays]})) == 0
}

test_every_freeze_that_holds_is_shown if {
	move := {"from": "2026-12-24T00:00:00Z", "to": "2026-12-25T00:00:00Z"}
	denied("2026-12-24T12:00:00Z", {"freezes": [holidays, move]}) == {
		"release freeze until 2027-01-04T09:00:00+01:00: holidays",
		"release freeze until 2026-12-25T00:00:00Z: no reason given",
	}
}

test_an_empty_calendar_denies_nothing if {
	count(denied("2026-12-24T12:00:00Z", {"freezes": []})) == 0
}

test_without_a_calendar_every_run_is_denied if {
	texts := denied("2026-06-01T12:00:00Z", {})
	texts == {"no freeze calendar: [data] has no list named freezes (an empty one means no freeze)"}
}

test_a_calendar_that_is_no_list_denies_every_run if {
	count(denied("2026-06-01T12:00:00Z", {"freezes": holidays})) == 1
}

test_an_entry_that_cannot_be_read_denies_every_run if {
	unreadable := [
		{"from": "2026-12-19", "to": "2027-01-04"},
		{"from": "2026-12-19T00:00:00Z"},
		{"from": "2027-01-04T00:00:00Z", "to": "2026-12-19T00:00:00Z"},
		{"from": "2026-12-19T00:00:00Z", "to": "2026-12-19T00:00:00Z"},
		{"from": 1, "to": 2},
		"christmas",
	]
	every entry in unreadable {
		some text in denied("2026-06-01T12:00:00Z", {"freezes": [holidays, entry]})
		startswith(text, "freezes in [data]: entry 2 cannot be read")
	}
}
