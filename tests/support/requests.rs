//! The requests of small worlds, and what their origin answers.

use edge_session::jws::OriginKeys;
use edge_session::time::Time;
use serde_json::{Value, json};

use crate::world::{Ask, envelope, extend, page, read, sign, write};

/// What a request is, or what the origin answers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Read,
    Page,
    Write,
    Create {
        end_others: bool,
    },
    Update,
    /// The session is to end in 30 seconds.
    Shorten,
    Rotate {
        end_others: bool,
    },
    Destroy,
    DestroyAll,
    Logout,
    /// Out of band, about the session that the browser has.
    OutDestroy,
    OutDestroyAll,
}

impl Kind {
    /// Whether it changes nothing.
    pub const fn is_plain(self) -> bool {
        matches!(self, Self::Read | Self::Page | Self::Write)
    }

    /// Whether it ends sessions, or gives one a new ID at once.
    pub const fn is_final(self) -> bool {
        !self.is_plain() && !matches!(self, Self::Update | Self::Shorten)
    }

    pub fn ask(self) -> Ask {
        match self {
            Self::Read => read("/"),
            Self::Page => page("/"),
            Self::Logout => write("/.edge-session/logout"),
            Self::OutDestroy | Self::OutDestroyAll => write("/.edge-session/control"),
            _ => write("/"),
        }
    }

    /// The body of a message out of band, about the session of this handle.
    pub fn body(self, keys: &OriginKeys, sid: &str, number: u8, now: Time) -> Option<String> {
        let jti = number.to_string();
        let op = match self {
            Self::OutDestroy => json!({ "op": "destroy", "sub": "alice", "sid": sid, "jti": jti }),
            Self::OutDestroyAll => json!({ "op": "destroy_all", "sub": "alice", "jti": jti }),
            _ => return None,
        };
        Some(sign(keys, &extend(envelope(now), &op)))
    }

    /// What the origin answers; whatever changes data sets a member of its own.
    pub fn control(self, number: u8) -> Value {
        let set = json!({ format!("m{number}"): 1 });
        match self {
            Self::Create { end_others } => {
                json!({ "op": "create", "sub": "alice", "end_others": end_others, "data": set })
            }
            Self::Update => json!({ "op": "update", "set": set }),
            Self::Shorten => json!({ "op": "update", "set": set, "absolute": 30 }),
            Self::Rotate { end_others } => {
                json!({ "op": "rotate", "set": set, "end_others": end_others })
            }
            Self::Destroy => json!({ "op": "destroy" }),
            Self::DestroyAll => json!({ "op": "destroy_all", "sub": "alice" }),
            _ => Value::Null,
        }
    }
}
