//! Lambda with more than one execution environment: a process for each delivery at a time, as many as there may be.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::fixtures;
use super::function::{self, Files};
use super::lambda::{Invocation, Lambda};

/// How processes are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processes {
    /// At most so many, again and again; what comes when all are busy is turned away.
    AtMost(usize),
    /// A new one for each delivery.
    OneEach,
}

/// The function, in as many processes as it takes.
#[derive(Clone)]
pub(crate) struct Fleet(Arc<Inner>);

struct Inner {
    files: Files,
    github: String,
    processes: Processes,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Lambda>,
    busy: usize,
}

/// The function that is tested: the one that `FUNCTION` names, such as a release build, or the tests' own.
fn program() -> PathBuf {
    std::env::var_os("FUNCTION").map_or_else(|| env!("CARGO_BIN_EXE_webhook").into(), PathBuf::from)
}

impl Fleet {
    pub(crate) fn new(policy: &str, github: &str, processes: Processes) -> Self {
        let files = Files::new(fixtures::player(), policy);
        Self(Arc::new(Inner { files, github: github.to_owned(), processes, state: Mutex::default() }))
    }

    /// Invokes the function in a process that is idle, or in a new one; `None` where there may be no more of them.
    pub(crate) async fn invoke(&self, event: Value) -> Option<Invocation> {
        let idle = {
            let mut state = self.0.state.lock().unwrap();
            let idle = if self.0.processes == Processes::OneEach { None } else { state.idle.pop() };
            if let (None, Processes::AtMost(most)) = (&idle, self.0.processes)
                && state.busy >= most
            {
                return None;
            }
            state.busy += 1;
            idle
        };
        let mut lambda = match idle {
            Some(lambda) => lambda,
            None => function::start_program(&program(), fixtures::player(), &self.0.files, &self.0.github).await,
        };
        let invocation = lambda.invoke(event).await;
        let mut state = self.0.state.lock().unwrap();
        state.busy -= 1;
        if self.0.processes != Processes::OneEach {
            state.idle.push(lambda);
        }
        Some(invocation)
    }
}
