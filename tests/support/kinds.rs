//! The requests of random histories, and the settings of the site that they are sent to.

use edge_session::time::Span;
use serde_json::{Value, json};

use crate::world::{Ask, Browser, COOKIE, Play, page, read, secret_in, write};

pub const FRESH: u64 = 5;
pub const SUBJECTS: [Option<&str>; 3] = [None, Some("alice"), Some("bob")];
/// The key lists of the deployments that a change of keys takes.
pub const KEYS: [&[&str]; 4] = [&["k1"], &["k1", "k2"], &["k2", "k1"], &["k2"]];

pub fn settings() -> Value {
    json!({
        "login_url": null,
        "lifetime": { "idle": "60s", "anonymous": "40s", "absolute": "200s", "remember": "300s", "touch": "10s" },
        "rotation": { "every": "20s", "grace": "5s", "reuse_after": "30s" },
        "freshness": { "safe": "5s" },
    })
}

/// What a request is, or what the origin answers to it.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Read,
    Page,
    Write,
    Create { who: usize, remember: bool, end_others: bool },
    Update,
    Rotate { end_others: bool },
    Destroy,
    DestroyAll,
    Logout,
}

impl Kind {
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Read | Self::Page)
    }

    /// The request, and how the origin answers it; `member` is what a change writes, and `owner`
    /// whose session it is.
    pub fn request(self, member: &str, owner: Option<&str>) -> (Ask, Play) {
        let set = json!({ member: owner });
        let play = match self {
            Self::Read => return (read("/"), Play::Pass),
            Self::Page => return (page("/account/x"), Play::Pass),
            Self::Write => return (write("/account/x"), Play::Pass),
            Self::Logout => return (write("/.edge-session/logout"), Play::Pass),
            Self::Create { who, remember, end_others } => json!({
                "op": "create", "sub": SUBJECTS[who], "remember": remember, "end_others": end_others,
                "data": { member: SUBJECTS[who] },
            }),
            Self::Update => json!({ "op": "update", "set": set }),
            Self::Rotate { end_others } => {
                json!({ "op": "rotate", "set": set, "end_others": end_others })
            }
            Self::Destroy => json!({ "op": "destroy" }),
            Self::DestroyAll => json!({ "op": "destroy_all" }),
        };
        (write("/"), Play::Say(play))
    }
}

/// How often it came to what histories are about.
#[derive(Debug, Default)]
pub struct Reached {
    pub let_in: usize,
    pub from_memory: usize,
    pub acknowledged: usize,
    pub periodic: usize,
    pub rotated: usize,
    pub ended: usize,
    pub expired: usize,
    pub faults: usize,
}

pub fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

pub fn sum(one: Span, two: Span) -> Span {
    Span::from_millis(one.millis() + two.millis())
}

pub fn secret_of(browser: &Browser) -> Option<[u8; 32]> {
    secret_in(&format!("{COOKIE}={}", browser.session()?))
}
