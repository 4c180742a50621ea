//! A setting that cannot be used.

use std::fmt;

/// A setting that cannot be used: which variable, what it names, and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("`{variable}`{}: {problem}", subject_text(.subject.as_deref()))]
pub struct ConfigError {
    variable: &'static str,
    /// The parameter, secret or file that the variable names.
    subject: Option<String>,
    problem: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// The place gave no answer, or refused: what it holds is unknown.
    is_unanswered: bool,
}

fn subject_text(subject: Option<&str>) -> String {
    subject.map(|subject| format!(" ({subject})")).unwrap_or_default()
}

impl ConfigError {
    /// A variable whose own value is wrong.
    pub(super) fn of_variable(variable: &'static str, problem: impl fmt::Display) -> Self {
        Self { variable, subject: None, problem: problem.to_string(), source: None, is_unanswered: false }
    }

    /// A variable that names something wrong.
    pub(super) fn of_subject(variable: &'static str, subject: Option<String>, problem: impl fmt::Display) -> Self {
        Self { variable, subject, problem: problem.to_string(), source: None, is_unanswered: false }
    }

    /// The same error, with what caused it.
    pub(super) fn because(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(cause)), ..self }
    }

    /// The same error, of a place that gave no answer, or refused.
    pub(super) fn unanswered(self) -> Self {
        Self { is_unanswered: true, ..self }
    }

    /// Whether the place gave no answer, or refused. Otherwise it answered, and the setting is gone or of no use: somebody changed it.
    pub(super) fn is_unanswered(&self) -> bool {
        self.is_unanswered
    }

    /// Whether it is the App's id that cannot be used.
    pub fn is_about_the_app_id(&self) -> bool {
        matches!(self.variable, "APP_ID" | "APP_ID_PARAMETER")
    }
}
