//! The Lambda function: reads its settings, then answers one event after the other.

use std::process::ExitCode;
use std::sync::Arc;

use environment_gate::causes::with_causes;
use environment_gate::config::{Variables, log_filter};
use environment_gate::github::Limits;
use environment_gate::handler::{Clock, Gate};
use environment_gate::telemetry;
use environment_gate::webhook::Event;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tracing::error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::init(&log_filter());
    let gate = async { Gate::open(Variables::from_env()?, Limits::default(), Clock::system()).await };
    let gate = match gate.await {
        Ok(gate) => Arc::new(gate),
        Err(error) => {
            error!(reason = with_causes(&error), "the function cannot start");
            return ExitCode::FAILURE;
        }
    };
    let answer = move |event: LambdaEvent<Event>| {
        let gate = Arc::clone(&gate);
        // 14 kB, which the runtime would move from hand to hand.
        Box::pin(async move { Ok::<_, Error>(gate.invoke(event.payload).await) })
    };
    // A task of its own is woken without the system call that wakes the outermost future.
    match tokio::spawn(run(service_fn(answer))).await.map_err(Error::from).flatten() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(reason = error.to_string(), "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}
