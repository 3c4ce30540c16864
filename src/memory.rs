//! What an isolate remembers of sessions it has lately asked the store about.
//!
//! Guarantees: an answer's age counts from the moment the store was asked, and an answer that was
//! under way while this isolate ended or changed the session is not kept; a memory lets in or says
//! that an ID has ended, and nothing else; it is bounded in entries and bytes, and losing it at any
//! moment changes nothing but cost.
//!
//! The answer to a login shows the session that it made, and is kept for whoever carries the login's
//! mark: no browser can change a session whose first ID is still on its way to it. After any other
//! change the store is asked anew. Of two changes that a browser makes at once through two isolates,
//! the first one's answer may be the last to arrive; the browser then carries that one's mark, and
//! what the store could have shown with it lacks the other. Besides, the first use of a new ID is
//! news to the store: its predecessor's grace begins with it.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use crate::locator::Locator;
use crate::mark::{Mark, MarkKey};
use crate::store::{Command, Fault, Gone, Reply};
use crate::time::{Span, Time};
use crate::token::IdHash;
use crate::verdict::Call;
use crate::view::View;

/// Roughly what a remembered session costs besides its data, in bytes.
const OVERHEAD: usize = 600;

/// How many changes are remembered, to tell which answers were under way meanwhile.
const MOST_CHANGES: usize = 1000;

/// How much is remembered at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Sessions.
    pub entries: usize,
    /// Bytes, roughly.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 2000, bytes: 4 * 1024 * 1024 }
    }
}

/// Marks the moment at which the store was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    asked: Time,
    change: u64,
    mark: Option<Mark>,
}

impl Ticket {
    /// The ticket of a request whose browser has just made this change.
    #[must_use]
    pub const fn of(mut self, mark: Option<Mark>) -> Self {
        self.mark = mark;
        self
    }
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    locator: Locator,
    asked: Time,
    mark: Option<Mark>,
    reply: Reply,
    bytes: usize,
}

/// The memory of an isolate.
#[derive(Clone, Debug)]
pub struct Memory {
    bounds: Bounds,
    entries: HashMap<IdHash, Entry>,
    /// The entries in the order in which they were made, the oldest first, and some that are gone:
    /// leaving those in is cheaper than looking for them.
    order: VecDeque<(u64, IdHash)>,
    bytes: usize,
    changes: VecDeque<(u64, Locator)>,
    latest: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Memory {
    /// An empty memory.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            entries: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            changes: VecDeque::new(),
            latest: 0,
        }
    }

    /// Call this right before asking the store.
    #[must_use]
    pub fn ticket(&self, now: Time) -> Ticket {
        Ticket { asked: now, change: self.latest, mark: None }
    }

    /// What is known of an ID, if that is not older than `fresh_for` nor than the asker's own last
    /// change; an ended ID stays ended.
    #[must_use]
    pub fn recall(
        &self,
        id: &IdHash,
        fresh_for: Span,
        mark: Option<Mark>,
        now: Time,
    ) -> Option<&Reply> {
        let entry = self.entries.get(id)?;
        // A clock that stepped backwards makes every age doubtful.
        let is_young = now >= entry.asked && now.since(entry.asked) < fresh_for;
        let is_fresh = is_young && (mark.is_none() || mark == entry.mark);
        let is_final = matches!(&entry.reply, Reply::Gone(gone) if gone.is_final());
        (is_fresh || is_final).then_some(&entry.reply)
    }

    /// Notes that a session's activity is being written down, so that nobody else does before
    /// `again`: by then either the store has answered or the attempt has failed.
    pub fn touching(&mut self, id: &IdHash, again: Time) {
        if let Some(Entry { reply: Reply::Live(view), .. }) = self.entries.get_mut(id) {
            Rc::make_mut(view).touch_due = again;
        }
    }

    /// Keeps what the store answered about an ID.
    pub(crate) fn keep(&mut self, id: &IdHash, locator: Locator, ticket: Ticket, reply: &Reply) {
        self.forget(id);
        let bytes = match reply {
            Reply::Live(view) => view.data.size().saturating_add(OVERHEAD),
            Reply::Gone(Gone::Ended | Gone::Expired) => OVERHEAD,
            _ => return,
        };
        if self.changed_since(locator, ticket) {
            return;
        }
        self.latest = self.latest.saturating_add(1);
        let entry = Entry {
            number: self.latest,
            locator,
            asked: ticket.asked,
            mark: ticket.mark,
            reply: reply.clone(),
            bytes,
        };
        self.order.push_back((entry.number, *id));
        self.entries.insert(*id, entry);
        self.bytes = self.bytes.saturating_add(bytes);
        self.shrink();
    }

    /// Call this right before the store is asked to carry a command out.
    pub fn asking(&mut self, call: &Call, now: Time) -> Ticket {
        if call.is_change() {
            self.changed(call.locator);
        }
        self.ticket(now)
    }

    /// Call this with what came of it, before anybody is told.
    pub fn answered(
        &mut self,
        call: &Call,
        ticket: Ticket,
        reply: &Result<Reply, Fault>,
        marks: &MarkKey,
    ) {
        let ended = matches!(reply, Ok(Reply::Gone(Gone::Superseded { ended: true, .. })));
        if !call.is_change() && !ended {
            return;
        }
        let was_alone = !self.changed_since(call.locator, ticket);
        // Again: an answer that was asked for meanwhile may show what was before.
        self.changed(call.locator);
        if let (Command::Create(create), Ok(Reply::Created { view: Some(view), .. }), true) =
            (&call.request.command, reply, was_alone)
        {
            let ticket = Ticket { change: self.latest, ..ticket }.of(Some(marks.mark(&create.sid)));
            self.keep(&create.id, call.locator, ticket, &Reply::Live(Rc::clone(view)));
        }
    }

    /// Forgets everything about the sessions of one object: this isolate has just changed, or tried
    /// to change, one of them.
    fn changed(&mut self, locator: Locator) {
        self.latest = self.latest.saturating_add(1);
        self.changes.push_back((self.latest, locator));
        if self.changes.len() > MOST_CHANGES {
            self.changes.pop_front();
        }
        // What has ended stays so.
        let stale: Vec<IdHash> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.locator == locator && matches!(entry.reply, Reply::Live(_)))
            .map(|(id, _)| *id)
            .collect();
        for id in stale {
            self.forget(&id);
        }
    }

    fn changed_since(&self, locator: Locator, ticket: Ticket) -> bool {
        let is_full = self.changes.len() >= MOST_CHANGES;
        let oldest = self.changes.front().map_or(0, |(number, _)| *number);
        // Where the list does not go back as far, nobody can tell.
        let is_unknown = is_full && ticket.change < oldest;
        is_unknown
            || self
                .changes
                .iter()
                .any(|(number, changed)| *number > ticket.change && *changed == locator)
    }

    fn shrink(&mut self) {
        while self.entries.len() > self.bounds.entries || self.bytes > self.bounds.bytes {
            let Some((number, id)) = self.order.pop_front() else {
                break;
            };
            if self.entries.get(&id).is_some_and(|entry| entry.number == number) {
                self.forget(&id);
            }
        }
        if self.order.len() > self.bounds.entries.saturating_mul(2) {
            let entries = &self.entries;
            self.order.retain(|(number, id)| {
                entries.get(id).is_some_and(|entry| entry.number == *number)
            });
        }
    }

    fn forget(&mut self, id: &IdHash) {
        if let Some(entry) = self.entries.remove(id) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
    }
}

/// Whether this answer may be given from memory at all: it lets in, and nothing is to be done.
#[must_use]
pub fn may_let_in(view: &View, now: Time) -> bool {
    now < view.idle && view.succeeded.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Secret, SessionId};

    /// Keeps that the ID of this number has ended, and gives the ID.
    fn keep(memory: &mut Memory, number: u8) -> IdHash {
        let locator = Locator::from_bytes([0; 16]);
        let id = SessionId::new(locator, Secret::from_entropy([number; 32])).hash();
        let ticket = memory.ticket(Time::default());
        memory.keep(&id, locator, ticket, &Reply::Gone(Gone::Ended));
        id
    }

    #[test]
    fn of_too_many_sessions_or_bytes_the_answer_that_is_oldest_goes() {
        for bounds in
            [Bounds { entries: 2, bytes: 100_000 }, Bounds { entries: 10, bytes: 2 * OVERHEAD }]
        {
            let mut memory = Memory::new(bounds);
            let ids = [1, 2, 1, 3].map(|number| keep(&mut memory, number));
            let is_kept = ids.map(|id| memory.entries.contains_key(&id));
            assert_eq!(is_kept, [true, false, true, true], "{bounds:?}");
        }
    }

    #[test]
    fn what_is_remembered_of_sessions_that_are_asked_about_again_and_again_does_not_grow() {
        let mut memory = Memory::new(Bounds { entries: 3, bytes: 100_000 });
        let locator = Locator::from_bytes([0; 16]);
        for number in 0..50_u8 {
            keep(&mut memory, number % 3);
        }
        assert_eq!((memory.entries.len(), memory.bytes), (3, 3 * OVERHEAD));
        assert!(memory.order.len() <= 6, "{}", memory.order.len());
        keep(&mut memory, 3);
        assert_eq!((memory.entries.len(), memory.bytes), (3, 3 * OVERHEAD));
        for _ in 0..2 * MOST_CHANGES {
            memory.changed(locator);
        }
        assert_eq!(memory.changes.len(), MOST_CHANGES);
    }
}
