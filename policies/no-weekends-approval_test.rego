package no_weekends_approval

import rego.v1

at(instant, type) := {"request": {"timestamp_ns": time.parse_rfc3339_ns(instant)}, "run": {"type": type}}

test_a_workday_is_approved if {
	approve with input as at("2026-01-09T12:00:00Z", "TASK")
	count(reject_with_note) == 0 with input as at("2026-01-09T12:00:00Z", "TASK")
	approve with input as at("2026-01-12T12:00:00Z", "TASK")
}

test_a_weekend_is_rejected if {
	not approve with input as at("2026-01-10T12:00:00Z", "TASK")
	expected := {"no releases on weekends (time zone UTC)"}
	reject_with_note == expected with input as at("2026-01-10T12:00:00Z", "TASK")
}

test_a_run_that_nobody_started_by_hand_is_approved_on_a_weekend if {
	approve with input as at("2026-01-10T12:00:00Z", "TRACKED")
	count(reject_with_note) == 0 with input as at("2026-01-10T12:00:00Z", "TRACKED")
}

test_the_time_zone_decides_which_day_it_is if {
	config := {"time_zone": "Pacific/Auckland"}
	not approve with input as at("2026-01-09T12:00:00Z", "TASK") with data.config as config
}

test_an_unknown_run_is_rejected if {
	not approve with input as {}
	count(reject_with_note) == 1 with input as {}
}
