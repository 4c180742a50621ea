# METADATA
# title: Flag for review
# description: >-
#   An initialization policy in Rego v0. Flags runs of branches under `network/`, or with a title that begins with `network:`, for `network-review`.
# custom:
#   type: initialization
#   labels: [spacelift, flag, review]
package spacelift

review := "review:network"

flag[review] { startswith(input.run.branch, "network/") }

flag[review] {
	is_string(input.run.title)
	startswith(input.run.title, "network:")
}
