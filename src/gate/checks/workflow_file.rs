//! Which workflow file a run is of. GitHub writes it with its repository before it and its ref after it, or without.

use super::case::Case;
use crate::model::RefName;

/// The run's own workflow file, such as `.github/workflows/release.yml`.
pub(super) fn workflow_file<'a>(case: &Case<'a>) -> &'a str {
    file_of(&case.evidence.run.path, case)
}

/// The workflow file in a run's `path`, without the repository's own name before it and the run's own ref after it. Anything else stays:
/// it names another workflow. So does a ref that ends as a workflow file does: `release.yml@v1.yml` may be a file of that name.
fn file_of<'p>(path: &'p str, case: &Case<'_>) -> &'p str {
    let own = format!("{}/", case.request.repository.name);
    let file = match path.split_at_checked(own.len()) {
        Some((before, file)) if before.eq_ignore_ascii_case(&own) => file,
        _ => path,
    };
    let own_ref = case.evidence.run.head_branch.as_ref().map(RefName::as_str);
    let own_ref = own_ref.filter(|own_ref| !is_workflow_file(own_ref));
    let Some(own_ref) = own_ref else { return file };
    ["@", "@refs/heads/", "@refs/tags/"]
        .iter()
        .find_map(|at| file.strip_suffix(own_ref)?.strip_suffix(at))
        .unwrap_or(file)
}

/// Whether a name ends as a workflow file's does.
pub(super) fn is_workflow_file(name: &str) -> bool {
    let end = name.rsplit_once('.').map(|(_, end)| end);
    end.is_some_and(|end| end.eq_ignore_ascii_case("yml") || end.eq_ignore_ascii_case("yaml"))
}

/// Whether the path may be the rule's file and the run's own ref, while that is not known, or not the delivery's.
pub(super) fn is_at_an_unknown_ref(path: &str, case: &Case<'_>) -> bool {
    let is_known = case.evidence.run.head_branch.as_ref() == Some(&case.request.ref_name);
    !is_known && path.split('@').next().is_some_and(|before| file_of(before, case) == case.rule.workflow)
}
