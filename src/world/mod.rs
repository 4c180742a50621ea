//! A pretend world: GitHub as a strict fake on loopback, and stories that are played in it.
//!
//! Linked into `gate` and the tests, never into the function (a test asserts it). It answers only what a story writes down:
//! an unmatched call fails the story, and so does an answer that is never asked for.
#![expect(clippy::disallowed_methods, reason = "the fake has a watch of its own, to show how long a call took")]

mod answers;
mod connections;
mod github;
mod key;
mod objections;
mod player;
mod record;
mod scrub;
mod source;
mod story;
mod timeline;

pub use answers::{Answers, Canned, CannedFault, FakeRequest};
pub use github::{FakeCall, FakeGithub, KnownApp, PERSONS_TOKEN, SERVER};
pub use key::Key;
pub use player::{APP_ID, Played, Player, Signer};
pub use record::{RecordError, record};
pub use source::{AnswerSource, Asked, Living};
pub use story::{Delivery, Expected, Signature, Story, StoryError};
pub use timeline::{Present, move_origin, move_times};
