package limits

import rego.v1

import data.config.teams as teams

deny contains sprintf("%s is not of sre", [input.login]) if not input.login in teams.sre

deny contains message if {
	some job in input.jobs
	not is_small(job.size)
	message := sprintf("%s is too large: %d", [job.name, job.size])
}

is_small(size) if size < limit

limit := 10

limit_in_words := {10: "ten", 20: "twenty"}[limit]

default level := "low"

level := "high" if input.jobs[0].size > 100

sample if count(deny) > 1
