package no_weekends

import rego.v1

at(instant) := {"request": {"timestamp_ns": time.parse_rfc3339_ns(instant)}}

test_a_friday_is_fine if {
	count(deny) == 0 with input as at("2026-01-09T23:59:59Z")
}

test_a_saturday_is_not if {
	deny == {"no releases on weekends (time zone UTC)"} with input as at("2026-01-10T00:00:00Z")
}

test_a_sunday_is_not if {
	count(deny) == 1 with input as at("2026-01-11T23:59:59Z")
}

test_a_monday_is_fine if {
	count(deny) == 0 with input as at("2026-01-12T00:00:00Z")
}

test_the_time_zone_decides_which_day_it_is if {
	expected := {"no releases on weekends (time zone Pacific/Auckland)"}
	deny == expected with input as at("2026-01-09T23:59:59Z") with data.config as {"time_zone": "Pacific/Auckland"}
}

test_an_unknown_moment_is_denied if {
	count(deny) == 1 with input as {"request": {}}
}
