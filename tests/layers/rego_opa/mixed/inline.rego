# METADATA
# custom: { type: approval }
package inline

import rego.v1

approve if count(input.approvals) >= 2

reject if "security" in input.flags

test_pass_inline if approve with input.approvals as ["anne", "bob"]

test_fail_inline if approve with input.approvals as ["anne"]

test_error_inline if object.union(input.approvals, {}) == {} with input.approvals as ["anne"]
