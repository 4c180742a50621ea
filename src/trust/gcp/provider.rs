//! A workload identity pool's provider. Not here: who may do what once the pool knows him.

use serde_json::Value;

use super::cel::{self, Attributes, Expression};
use crate::trust::audience::{audiences, has_one_of};
use crate::trust::entry::Entry;
use crate::trust::fields::Fields;
use crate::trust::token::Token;
use crate::trust::unreadable::Unreadable;

/// Fields of a provider, of which those that decide nothing are ignored.
const KNOWN: [&str; 9] = [
    "attributeCondition",
    "attributeMapping",
    "description",
    "disabled",
    "displayName",
    "etag",
    "name",
    "oidc",
    "state",
];
/// What to do with a provider that cannot be read.
pub(super) const FIX: &str = "give what `gcloud iam workload-identity-pools providers describe … --format=json` prints, or with a policy `{\"provider\": …, \"policy\": …}`";

/// A provider.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`, if it was given.
    name: Option<String>,
    pub(super) issuer: String,
    audiences: Vec<String>,
    open: bool,
    pub(super) condition: Option<Result<Expression, String>>,
    pub(super) attributes: Attributes,
    unclear: Option<String>,
}

impl Provider {
    pub(super) fn parse(value: &Value) -> Result<Self, Unreadable> {
        let fields = Fields::of(value, "a provider of a workload identity pool", FIX)?;
        let oidc = fields.object("oidc")?.ok_or_else(|| fields.missing("oidc"))?;
        let issuer = oidc.text("issuerUri")?.ok_or_else(|| oidc.missing("issuerUri"))?.to_owned();
        let mut attributes = Attributes::new();
        for (name, value) in fields.object("attributeMapping")?.into_iter().flat_map(Fields::entries) {
            let text = value.as_str().ok_or_else(|| fields.wrong(name, value, "a CEL expression, as text"))?;
            attributes.insert(
                name.clone(),
                cel::parse(text).map_err(|why| format!("what `{name}` is mapped from cannot be read: {why}")),
            );
        }
        let condition = fields.text("attributeCondition")?.filter(|text| !text.trim().is_empty());
        let condition =
            condition.map(|text| cel::parse(text).map_err(|why| format!("the condition cannot be read: {why}")));
        let unknown = fields.first_unknown(&KNOWN).or_else(|| oidc.first_unknown(&["allowedAudiences", "issuerUri"]));
        let unclear = unknown.map(|field| {
            format!("the provider has the field `{field}`, which is not evaluated; remove it if it means nothing")
        });
        let state = fields.text("state")?;
        Ok(Self {
            name: fields.text("name")?.map(str::to_owned),
            issuer,
            audiences: oidc.texts("allowedAudiences")?.unwrap_or_default(),
            open: !fields.flag("disabled")? && state.is_none_or(|state| state == "ACTIVE"),
            condition,
            unclear: unclear.or_else(|| {
                let lacks = !attributes.contains_key("google.subject");
                lacks.then(|| {
                    "the provider does not map `google.subject`, which Google demands; map it from `assertion.sub`"
                        .to_owned()
                })
            }),
            attributes,
        })
    }

    /// Whether the provider takes a token, before its condition is asked.
    pub(super) fn takes(&self, token: &Token) -> Entry {
        if let Some(why) = &self.unclear {
            return Entry::CannotTell(why.clone());
        }
        Entry::from(self.open && token.text("iss") == Some(&self.issuer) && self.audience_fits(token))
    }

    /// Without a list, the audience is the provider itself
    /// (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers#oidc>, `allowedAudiences`).
    fn audience_fits(&self, token: &Token) -> bool {
        let expected = self.audiences();
        if expected.is_empty() { audiences(token).next().is_some() } else { has_one_of(token, &expected) }
    }

    /// The audiences that are taken; none if that is not known.
    pub(super) fn audiences(&self) -> Vec<String> {
        let own = self
            .name
            .iter()
            .flat_map(|name| ["https:", ""].map(|scheme| format!("{scheme}//iam.googleapis.com/{name}")));
        if self.audiences.is_empty() { own.collect() } else { self.audiences.clone() }
    }

    /// Whether it takes tokens at all.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// The pool, as principals name it, if it was given.
    pub(super) fn pool(&self) -> Option<&str> {
        self.name.as_deref().and_then(|name| name.split_once("/providers/")).map(|(pool, _)| pool)
    }
}
