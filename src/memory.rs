//! What an isolate remembers of sessions it has lately asked the store about.
//!
//! Guarantees: an answer's age counts from the moment the store was asked, and an answer that was
//! under way while this isolate ended or changed the session is not kept; a memory lets in or says
//! that an ID has ended, and nothing else; it is bounded in entries and bytes, and losing it at any
//! moment changes nothing but cost.

use std::collections::{HashMap, VecDeque};

use crate::locator::Locator;
use crate::store::{Gone, Reply};
use crate::time::{Span, Time};
use crate::token::IdHash;
use crate::view::View;

/// The most sessions remembered.
const MOST_ENTRIES: usize = 2000;

/// The most bytes of session data remembered, roughly.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Roughly what a session costs besides its data.
const OVERHEAD: usize = 600;

/// How many changes are remembered, to tell which answers were under way meanwhile.
const MOST_CHANGES: usize = 1000;

/// Marks the moment at which the store was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    asked: Time,
    change: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    locator: Locator,
    asked: Time,
    reply: Reply,
    bytes: usize,
}

/// The memory of an isolate.
#[derive(Debug, Default)]
pub struct Memory {
    entries: HashMap<IdHash, Entry>,
    /// In the order in which they were asked for, the oldest first.
    order: VecDeque<IdHash>,
    bytes: usize,
    changes: VecDeque<(u64, Locator)>,
    latest: u64,
}

impl Memory {
    /// Call this right before asking the store.
    #[must_use]
    pub fn ticket(&self, now: Time) -> Ticket {
        Ticket {
            asked: now,
            change: self.latest,
        }
    }

    /// What is known of an ID, if that is not older than `fresh_for`; an ended ID stays ended.
    #[must_use]
    pub fn recall(&self, id: &IdHash, fresh_for: Span, now: Time) -> Option<&Reply> {
        let entry = self.entries.get(id)?;
        // A clock that stepped backwards makes every age doubtful.
        let is_fresh = now >= entry.asked && now.since(entry.asked) < fresh_for;
        let is_final = matches!(&entry.reply, Reply::Gone(gone) if gone.is_final());
        (is_fresh || is_final).then_some(&entry.reply)
    }

    /// Keeps what the store answered about an ID.
    pub fn keep(&mut self, id: &IdHash, locator: Locator, ticket: Ticket, reply: &Reply) {
        let bytes = match reply {
            Reply::Live(view) => view.data.size().saturating_add(OVERHEAD),
            Reply::Gone(Gone::Ended | Gone::Expired) => OVERHEAD,
            _ => return self.drop_entry(id),
        };
        if self.changed_since(locator, ticket) {
            return self.drop_entry(id);
        }
        self.drop_entry(id);
        let entry = Entry {
            locator,
            asked: ticket.asked,
            reply: reply.clone(),
            bytes,
        };
        self.entries.insert(*id, entry);
        self.order.push_back(*id);
        self.bytes = self.bytes.saturating_add(bytes);
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.order.front().copied() else {
                break;
            };
            self.drop_entry(&oldest);
        }
    }

    /// Forgets everything about the sessions of one object: this isolate has just changed, or tried
    /// to change, one of them.
    pub fn changed(&mut self, locator: Locator) {
        self.latest = self.latest.saturating_add(1);
        self.changes.push_back((self.latest, locator));
        if self.changes.len() > MOST_CHANGES {
            self.changes.pop_front();
        }
        let gone: Vec<IdHash> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.locator == locator && is_live(&entry.reply))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.drop_entry(&id);
        }
    }

    fn changed_since(&self, locator: Locator, ticket: Ticket) -> bool {
        let oldest_known = self
            .changes
            .front()
            .map_or(self.latest, |(number, _)| *number);
        let forgotten = ticket.change.saturating_add(1) < oldest_known;
        forgotten
            || self
                .changes
                .iter()
                .any(|(number, changed)| *number > ticket.change && *changed == locator)
    }

    fn drop_entry(&mut self, id: &IdHash) {
        if let Some(entry) = self.entries.remove(id) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
            self.order.retain(|other| other != id);
        }
    }
}

/// Whether this answer may be given from memory at all: it lets in, and nothing is to be done.
#[must_use]
pub fn may_let_in(view: &View, now: Time) -> bool {
    now < view.idle && view.succeeded.is_none()
}

const fn is_live(reply: &Reply) -> bool {
    matches!(reply, Reply::Live(_))
}
