package sample_every_tenth

import rego.v1

at(milliseconds) := {"request": {"timestamp_ns": 1767607200000000000 + (milliseconds * 1000000)}}

test_one_evaluation_in_ten_is_sampled if {
	sampled := {number |
		some number in numbers.range(0, 99)
		sample with input as at(number)
	}
	sampled == {0, 10, 20, 30, 40, 50, 60, 70, 80, 90}
}
