//! What can go on at once on a late KV, and what is known of a session from outside.

use std::collections::VecDeque;

use edge_session::kv::Write;
use edge_session::time::{Span, Time};

use crate::world::{Flight, Trouble};

pub const SUBJECTS: [&str; 2] = ["alice", "bob"];
pub const FRESH: Span = Span::from_secs(10);
/// No store takes longer than this, in seconds.
pub const DEADLINE: u64 = 2;
pub const SLOTS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Open,
    Write,
    Create { who: usize, end_others: bool },
    Update,
    Rotate { end_others: bool },
    Destroy,
    DestroyAll,
    Logout,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// A request goes out of one of the browsers, in one of the places.
    Begin(usize, usize, usize, Kind),
    /// A request, or the write that it waits for, gets a step further.
    Advance(usize, usize),
    /// It is finished, and its answer arrives or is lost.
    Finish(usize, bool),
    /// Somebody copies this browser's cookies into that one.
    Copy(usize, usize),
    Pass(u64),
    Trouble(usize, Trouble),
}

pub struct Known {
    pub subject: &'static str,
    pub created: Time,
    pub uses: Vec<Time>,
    /// When, in which step and where it was ended.
    pub ended: Option<(Time, usize, usize)>,
    /// Nobody can tell whether it lives.
    pub is_free: bool,
    /// The step of the latest beginning or end of a change that may have made IDs dead at once, or
    /// ended the session.
    pub unsettled: usize,
}

pub struct Under {
    pub flight: Flight,
    /// The writes that it waits for.
    pub writes: VecDeque<Write>,
    pub place: usize,
    pub browser: usize,
    pub kind: Kind,
    pub began: usize,
    pub presented: Option<[u8; 32]>,
    pub session: Option<usize>,
    pub has_failed_write: bool,
    pub looked_at: bool,
    pub is_concluded: bool,
}
