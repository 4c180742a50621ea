package spacelift

at(instant) = {"request": {"timestamp_ns": time.parse_rfc3339_ns(instant)}}

test_a_weekend_is_denied {
	deny == {"no releases on weekends"} with input as at("2026-01-10T12:00:00Z")
	deny == {"no releases on weekends"} with input as at("2026-01-11T12:00:00Z")
}

test_a_workday_is_not {
	deny == set() with input as at("2026-01-12T12:00:00Z")
}
