//! The name of a change, as the browser that made it carries it for a while.
//!
//! A browser gets the mark with the answer that tells it of the change, so whatever the store is asked
//! for that browser afterwards shows the change. Memory therefore answers a request with a mark only
//! with what the store was asked by a request with the same mark, or said to the login that the mark
//! names.
//!
//! Guarantees: no clocks are compared. A mark tells nothing and lets nobody in: a forged one makes its
//! sender ask the store, or read what the freshness window allows anyway.

use crate::base64url;
use crate::keys::MasterKey;
use crate::mac::MacKey;
use crate::sid::Sid;

const LENGTH: usize = 9;

/// The name of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark([u8; LENGTH]);

/// The key that marks are made with, so that none tells a request's or a session's handle.
#[derive(Clone, Debug)]
pub struct MarkKey(MacKey);

impl MarkKey {
    /// Derives the key from the newest master key.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self(master.mac.derive("edge-session mark v1"))
    }

    /// The mark of the change that the answer to this request makes.
    #[must_use]
    pub fn mark(&self, jti: &Sid) -> Mark {
        let mut mark = [0; LENGTH];
        for (to, from) in mark.iter_mut().zip(self.0.tag(&[jti.as_str().as_bytes()])) {
            *to = from;
        }
        Mark(mark)
    }
}

/// What a browser has changed within the freshness window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// Nothing.
    #[default]
    Nothing,
    /// The change of this name, and nothing since.
    Lately(Mark),
    /// Something, without its name.
    Something,
}

impl Mark {
    /// The mark that these bytes make.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Reads what a browser sends back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode_array(text).map(Self)
    }

    /// The mark as text.
    #[must_use]
    pub fn to_text(self) -> String {
        base64url::encode(&self.0)
    }
}

impl Changed {
    /// The same after one more value of the cookie that says so.
    #[must_use]
    pub fn and(self, value: &str) -> Self {
        match (self, Mark::parse(value)) {
            (Self::Nothing, Some(mark)) => Self::Lately(mark),
            (Self::Lately(known), Some(mark)) if known == mark => self,
            _ => Self::Something,
        }
    }

    /// The change that is named.
    #[must_use]
    pub const fn mark(self) -> Option<Mark> {
        match self {
            Self::Lately(mark) => Some(mark),
            Self::Nothing | Self::Something => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_names_a_change_and_anything_else_says_only_that_there_was_one() {
        let text = Mark::from_bytes([7; LENGTH]).to_text();
        let other = Mark::from_bytes([8; LENGTH]).to_text();
        let of = |values: &[&str]| {
            let values = values.iter();
            values.fold(Changed::default(), |changed, value| changed.and(value))
        };
        assert_eq!(of(&[]), Changed::Nothing);
        assert_eq!(of(&[&text]).mark(), Some(Mark::from_bytes([7; LENGTH])));
        assert_eq!(of(&[&text, &text]), of(&[&text]));
        for values in
            [[&text, other.as_str()].as_slice(), &[&text, ""], &["1", &text], &["1"], &[""]]
        {
            assert_eq!(of(values), Changed::Something, "{values:?}");
        }
    }
}
