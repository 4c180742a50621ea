//! Environment Gate: one human approval of a gate environment counts for a whole workflow run.
//!
//! A delivery is *verified*; a request is *parsed* from it; the policy *scopes* it; evidence is *collected*; the gate *decides*; the deployment is
//! *reviewed*. The modules are listed in reading order.

// AWS's edge, and the sentence behind it.
pub mod lambda;

pub mod handler;

mod review_loop;

// What is still waiting on GitHub, whatever became of its webhook.
pub mod recovery;

// Whether the shipped code still says no.
pub mod probe;

// Verify, parse.
pub mod webhook;

// What all of them talk about.
pub mod model;

// Scope, decide.
pub mod gate;

// Collect, review.
pub mod github;

// What became of a delivery, and what the log and an event say of it.
pub mod outcome;

pub mod telemetry;

pub mod notification;

// What everything rests on.
pub mod config;

pub mod http;

pub mod time;

// For the command line: what would be decided, whether a deployment is as it should be, who else a cloud trusts, and a fake GitHub. Never linked into the function.
pub mod simulation;

pub mod doctor;

pub mod trust;

pub mod world;
