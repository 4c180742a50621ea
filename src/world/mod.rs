//! A fake GitHub on loopback, and the player of stories.
//!
//! Linked into `gate` and the tests, never into the function (a test asserts it). The fake is strict:
//! a call without an answer fails the story, and so does an answer without a call.
#![expect(clippy::disallowed_methods, reason = "the fake measures when each call arrived")]

mod answers;
mod connections;
mod github;
mod key;
mod objections;
mod oidc;
mod player;
mod policy_inputs;
mod record;
mod recorded_policy;
mod scrub;
mod source;
mod story;
mod story_data;
mod timeline;

pub use answers::{Answers, Canned, CannedFault, FakeRequest, TokenPlan};
pub use github::{FakeCall, FakeGithub, KnownApp, PERSONS_TOKEN, SERVER};
pub use key::Key;
pub use oidc::{issuer, sign_tokens};
pub use player::{APP_ID, Played, Player, PolicyFiles, Signer};
pub use policy_inputs::PolicyInputs;
pub use record::{RecordError, record};
pub use recorded_policy::{RecordedPolicy, recorded_policy};
pub use source::{AnswerSource, Asked, Living};
pub use story::{Delivery, Expected, Signature, Story, StoryError};
pub use timeline::{Present, move_origin, move_times};
