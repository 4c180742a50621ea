//! Whether one token gets in, in three values: what is not understood is never right.

/// What a trust says of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It gets in.
    GetsIn,
    /// It stays out.
    StaysOut,
    /// Something decides that is not understood: why.
    CannotTell(String),
}

impl Entry {
    /// Whether both conditions hold. What stays out for one reason stays out whatever the other is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::StaysOut, _) | (_, Self::StaysOut) => Self::StaysOut,
            (Self::CannotTell(why), _) | (_, Self::CannotTell(why)) => Self::CannotTell(why),
            (Self::GetsIn, Self::GetsIn) => Self::GetsIn,
        }
    }

    /// Whether one of two ways is open.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::GetsIn, _) | (_, Self::GetsIn) => Self::GetsIn,
            (Self::CannotTell(why), _) | (_, Self::CannotTell(why)) => Self::CannotTell(why),
            (Self::StaysOut, Self::StaysOut) => Self::StaysOut,
        }
    }

    /// The opposite.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it reads like `and` and `or`, which have no trait")]
    pub fn not(self) -> Self {
        match self {
            Self::GetsIn => Self::StaysOut,
            Self::StaysOut => Self::GetsIn,
            cannot_tell @ Self::CannotTell(_) => cannot_tell,
        }
    }
}

impl From<bool> for Entry {
    fn from(gets_in: bool) -> Self {
        if gets_in { Self::GetsIn } else { Self::StaysOut }
    }
}
