# METADATA
# title: Flags by branch or title
# description: >-
#   Flags runs for policies of later types and for the log. `flags` in `[data]` is a list of tables, each with `flag`, and `ref` (a glob, `hotfix/*`),
#   `title` (a regular expression, `(?i)database`), or both, if both must match. If the list is missing or cannot be read, every run is denied.
# custom:
#   type: initialization
#   labels: [flag, ref, title]
package flag_by_ref

import rego.v1

flags := data.config.flags

is_list if is_array(flags)

deny contains "no flags to set: [data] has no list named flags" if not is_list

deny contains sprintf("flags in [data]: entry %d cannot be read, expected flag, and ref or title or both", [number]) if {
	is_list
	some index, entry in flags
	not is_readable(entry)
	number := index + 1
}

flag contains entry.flag if {
	is_list
	some entry in flags
	is_readable(entry)
	every key in object.keys(entry) - {"flag"} {
		matches(key, entry[key])
	}
}

is_readable(entry) if {
	is_object(entry)
	every value in entry {
		is_string(value)
	}
	"flag" in object.keys(entry)
	conditions := object.keys(entry) - {"flag"}
	count(conditions) > 0
	conditions - {"ref", "title"} == set()
}

matches("ref", pattern) if glob.match(pattern, ["/"], input.run.ref)

matches("title", pattern) if {
	is_string(input.run.title)
	regex.match(pattern, input.run.title)
}
