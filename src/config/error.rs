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
}

fn subject_text(subject: Option<&str>) -> String {
    subject.map(|subject| format!(" ({subject})")).unwrap_or_default()
}

impl ConfigError {
    /// A variable whose own value is wrong.
    pub(super) fn of_variable(variable: &'static str, problem: impl fmt::Display) -> Self {
        Self { variable, subject: None, problem: problem.to_string(), source: None }
    }

    /// A variable that names something wrong.
    pub(super) fn of_subject(variable: &'static str, subject: Option<String>, problem: impl fmt::Display) -> Self {
        Self { variable, subject, problem: problem.to_string(), source: None }
    }

    /// The same error, with what caused it.
    pub(super) fn because(self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Box::new(cause)), ..self }
    }

    /// Whether it is the App's id that cannot be used.
    pub fn is_about_the_app_id(&self) -> bool {
        matches!(self.variable, "APP_ID" | "APP_ID_PARAMETER")
    }
}
