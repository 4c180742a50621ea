package business_hours

import rego.v1

at(instant) := {"request": {"timestamp_ns": time.parse_rfc3339_ns(instant)}}

denied_by(config) := texts if {
	texts := deny with input as at("2026-01-09T12:00:00Z") with data.config as {"business_hours": config}
}

test_a_friday_at_nine_is_open if {
	count(deny) == 0 with input as at("2026-01-09T09:00:00Z")
}

test_a_friday_just_before_five_is_open if {
	count(deny) == 0 with input as at("2026-01-09T16:59:59Z")
}

test_before_nine_it_is_closed if {
	text := "releases are open from 09:00 to 17:00 on Monday, Tuesday, Wednesday, Thursday, Friday (time zone UTC)"
	deny == {text} with input as at("2026-01-09T08:59:59Z")
}

test_at_five_it_is_closed if {
	count(deny) == 1 with input as at("2026-01-09T17:00:00Z")
}

test_a_saturday_is_closed if {
	count(deny) == 1 with input as at("2026-01-10T12:00:00Z")
}

test_hours_are_those_of_the_time_zone if {
	config := {"business_hours": {"time_zone": "America/New_York"}}
	count(deny) == 1 with input as at("2026-01-09T12:00:00Z") with data.config as config
	count(deny) == 0 with input as at("2026-01-09T20:00:00Z") with data.config as config
}

test_a_time_of_toml_is_a_time if {
	config := {"business_hours": {"days": ["Saturday"], "from": "20:30:00", "to": "24:00"}}
	count(deny) == 1 with input as at("2026-01-10T20:29:59Z") with data.config as config
	count(deny) == 0 with input as at("2026-01-10T20:30:00Z") with data.config as config
}

test_the_last_second_is_closed if {
	config := {"business_hours": {"to": "17:00:00"}}
	count(deny) == 0 with input as at("2026-01-09T16:59:59Z") with data.config as config
	count(deny) == 1 with input as at("2026-01-09T17:00:00Z") with data.config as config
}

test_an_unknown_key_denies if {
	denied_by({"timezone": "America/New_York"}) == {"business_hours in [data]: unknown key timezone"}
}

test_a_number_is_no_time if {
	expected := {"business_hours in [data]: got from = 9, expected a time such as 09:00"}
	denied_by({"from": 9}) == expected
}

test_a_text_may_be_no_time if {
	count(denied_by({"to": "9 pm"})) == 1
	count(denied_by({"to": "99:00"})) == 1
}

test_a_day_is_written_in_full if {
	denied_by({"days": ["Mon"]}) == {"business_hours in [data]: got day Mon, expected one such as Monday"}
}

test_days_are_a_list if {
	denied_by({"days": "Monday"}) == {"business_hours in [data]: got days = Monday, expected a list"}
}

test_the_end_comes_after_the_beginning if {
	count(denied_by({"from": "12:00", "to": "12:00"})) == 1
	denied_by({"from": "22:00", "to": "06:00"}) == {"business_hours in [data]: from must be before to"}
}

test_without_a_day_it_is_never_open if {
	count(denied_by({"days": []})) == 1
}
