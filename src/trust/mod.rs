//! Cloud trust: who gets in to what is behind a gated environment. A trust is *the gate alone* exactly if every way in demands this repository and this
//! environment. Pure: documents and claims in, verdicts out.

mod alphabet;
mod audience;
pub mod aws;
mod azure;
mod document;
mod entry;
mod facts;
mod fields;
mod gcp;
mod jobs;
mod npm;
mod pattern;
pub mod print;
mod read;
mod search;
mod shape;
mod strict;
mod subject;
#[cfg(test)]
mod test_support;
mod token;
mod unreadable;
mod vault;
mod verdict;
#[cfg(test)]
mod verdict_tests;
mod walk;

pub use azure::AzureTrust;
pub use document::{Compared, TrustDocument};
pub use entry::Entry;
pub use facts::{Facts, Subject};
pub use gcp::GcpTrust;
pub use npm::NpmTrust;
pub use pattern::{Part, Pattern};
pub use read::{Provider, detect, read};
pub use subject::{SubjectContext, SubjectParts, escaped};
pub use token::Token;
pub use unreadable::Unreadable;
pub use vault::VaultTrust;
pub use verdict::{Answer, Verdict, entry_name, is_the_gates, verdict};
