//! The Lambda function: reads its settings, then answers one event after the other.

use std::process::ExitCode;

use environment_gate::config::{ConfigError, function_variables, log_filter, metrics_namespace};
use environment_gate::github::Limits;
use environment_gate::handler::Handler;
use environment_gate::model::with_causes;
use environment_gate::notification::{Notifier, SendLimits};
use environment_gate::time::Clock;
use environment_gate::{lambda, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::init(&log_filter(), metrics_namespace());
    match open().await {
        Ok((handler, notifier)) => {
            lambda::run(handler, notifier).await.map_or_else(|error| stop(&*error), |()| ExitCode::SUCCESS)
        }
        Err(error) => stop(&error),
    }
}

async fn open() -> Result<(Handler, Option<Notifier>), ConfigError> {
    let variables = function_variables()?;
    let notifier = variables.event_bus().map(|bus| Notifier::new(bus, &variables.api, SendLimits::default()));
    Ok((Handler::open(variables, Limits::default(), Clock::system()).await?, notifier))
}

fn stop(error: &dyn std::error::Error) -> ExitCode {
    tracing::error!(reason = with_causes(error), "the function stopped");
    ExitCode::FAILURE
}
