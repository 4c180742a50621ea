//! Three policies in Rego that agree, as teams write them.

/// Name and text.
pub(crate) const POLICIES: [(&str, &str); 3] = [
    (
        "business-days",
        r#"# METADATA
# title: Business days
# description: Denies on days that are not listed, and flags hotfixes.
# custom: { type: initialization, attach: ["*"] }
package business_days

import rego.v1

days := {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

is_business_day if time.weekday([input.request.timestamp_ns, "Europe/Berlin"]) in days

deny contains "no releases on this day" if not is_business_day

flag contains "review:sre" if startswith(input.run.ref, "hotfix/")
"#,
    ),
    (
        "allow-list",
        r#"# METADATA
# title: Listed workflows and accounts
# description: Denies what is not listed.
# custom: { type: initialization, attach: ["*"] }
package allow_list

import rego.v1

workflows := {".github/workflows/release.yml", ".github/workflows/hotfix.yml"}

is_listed if {
	input.run.workflow in workflows
	not input.session.machine
}

deny contains sprintf("%s is not listed", [input.run.workflow]) if not is_listed
"#,
    ),
    (
        "enough-approvals",
        r#"# METADATA
# title: Enough approvals
# description: Approves with one approval, and with two if the run was flagged.
# custom: { type: approval, attach: ["*"] }
package enough_approvals

import rego.v1

required := 2 if "review:sre" in input.run.flags

required := 1 if not "review:sre" in input.run.flags

approvers := {approval.session.id | some approval in input.reviews.current.approvals}

approve if count(approvers) >= required
"#,
    ),
];
