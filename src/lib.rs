//! Environment Gate: one human approval of a gate environment counts for a whole workflow run.
//!
//! A delivery is *verified*; a request is *parsed* from it; evidence is *collected*; the gate *decides*; the
//! deployment is *reviewed*. The modules stand here in reading order.

// The sentence itself.
pub mod handler;

// Steps 1 and 2.
pub mod webhook;

// What all of them talk about.
pub mod model;

// Step 4.
pub mod gate;

// Steps 3 and 5.
pub mod github;

// Whatever became of the webhook.
pub mod recovery;

// What would be decided of a run that nobody asked about.
pub mod simulation;

// Whether a deployment is as it should be.
pub mod doctor;

// What is told of the end.
pub mod report;

mod recent;

pub mod telemetry;

// What has to be there before.
pub mod config;

pub mod transport;

pub mod causes;

// A pretend GitHub, for the command line and the tests; never linked into the function.
pub mod world;
