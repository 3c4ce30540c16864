//! A session as the store shows it to the gate.
//!
//! Guarantees: everything that a request's decisions need and nothing that would let anyone use the
//! session: hashes stay in the store, secrets never got there.

use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::rotation::Derivation;
use crate::sid::Sid;
use crate::subject::Subject;
use crate::time::Time;

/// A live session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Names the session inside its object for as long as it lives.
    pub root: Sid,
    /// Its public handle.
    pub sid: Sid,
    /// Whose it is; `None` when it is anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// When it began.
    pub created: Time,
    /// When it ends without further activity; never after `absolute`.
    pub idle: Time,
    /// When it ends, whatever happens.
    pub absolute: Time,
    /// When its recorded activity is old enough to be recorded again.
    pub touch_due: Time,
    /// When the user last authenticated, in seconds since the epoch, as the origin said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// How the user authenticated (RFC 8176), as the origin said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
    /// Whether it is meant to outlast the browser.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub remember: bool,
    /// What the origin keeps in it.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub data: Data,
    /// When its current ID was issued.
    pub issued: Time,
    /// The number of its current ID.
    pub generation: u32,
    /// Where the presented ID has a successor: how to derive it, when it can be derived from this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<Succeeded>,
    /// When the store confirmed all this.
    pub checked: Time,
}

/// The presented ID has a successor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Succeeded {
    /// How the current ID follows from the presented one; `None` when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Derivation>,
}
