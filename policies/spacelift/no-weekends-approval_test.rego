package spacelift

created(instant) = {"run": {"created_at": time.parse_rfc3339_ns(instant)}}

test_a_weekend_is_rejected {
	reject with input as created("2026-01-10T12:00:00Z")
	not approve with input as created("2026-01-10T12:00:00Z")
}

test_a_workday_is_approved {
	approve with input as created("2026-01-12T12:00:00Z")
	not reject with input as created("2026-01-12T12:00:00Z")
}
