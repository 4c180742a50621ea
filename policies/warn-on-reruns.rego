# METADATA
# title: Warn on re-runs
# description: Adds a warning to the comment if the run is a re-run, with the account that started it again. It never denies.
# custom:
#   type: initialization
#   labels: [warning, re-run]
package warn_on_reruns

import rego.v1

default starter := "an unknown account"

starter := input.run.triggering_actor.login

warn contains sprintf("this is attempt %d of the run, started by %s", [input.run.attempt, starter]) if input.run.attempt > 1
