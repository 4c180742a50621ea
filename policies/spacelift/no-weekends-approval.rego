# METADATA
# title: No weekends, as an approval policy
# description: The task policy `no-weekends`, migrated. Rejects runs that were created on Saturdays and Sundays, UTC, and approves all others.
# custom:
#   type: approval
#   labels: [spacelift, time, weekend, migration]
package spacelift

weekend := {"Saturday", "Sunday"}

reject { weekend[time.weekday(input.run.created_at)] }

approve { not reject }
