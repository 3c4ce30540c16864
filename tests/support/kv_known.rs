//! What is known of sessions in KV from outside, and what the README's table then rules out.

use std::hash::{Hash, Hasher};

use edge_session::time::{Span, Time};
use edge_session::token::IdHash;

use crate::versions::LAG;

/// When and where something was done.
#[derive(Clone, Copy, Hash, Debug, PartialEq)]
pub struct Deed {
    pub at: Time,
    pub place: usize,
}

impl Deed {
    /// Whether whoever begins then and there has to know of it.
    pub fn is_known(&self, began: Deed) -> bool {
        let is_here = self.place == began.place && began.at >= self.at;
        is_here || began.at >= self.at.plus(LAG)
    }
}

/// A write of a session's data, and when that was decided.
#[derive(Clone, Copy, Hash)]
pub struct Change {
    pub decided: Time,
    pub written: Deed,
}

impl Change {
    /// Whether whoever made it need not have known of this, and may have undone it.
    fn may_undo(&self, other: &Datum) -> bool {
        let decided = Deed { at: self.decided, place: self.written.place };
        let is_other = self.decided != other.decided;
        is_other && self.written.at > other.decided && !other.deed.is_known(decided)
    }
}

/// A member of a session's data.
#[derive(Clone, Hash)]
pub struct Datum {
    pub name: String,
    /// When that was decided, and when and where it was done.
    pub decided: Time,
    pub deed: Deed,
    /// The new ID that it came with: it shows to whoever has that one.
    pub with: Option<IdHash>,
}

#[derive(Clone, Hash)]
pub struct Id {
    pub hash: IdHash,
    /// The one that it was made of.
    pub from: Option<IdHash>,
    pub given: Deed,
    pub at_once: bool,
    /// When it was let in.
    pub uses: Vec<Deed>,
}

#[derive(Clone, Hash)]
pub struct Known {
    pub root: String,
    pub made: Deed,
    pub absolute: Time,
    pub ended: Option<Deed>,
    /// Whether nobody can tell whether it lives.
    pub is_free: bool,
    /// Whether two places have given it a new ID at once, of different ones: one of them is lost.
    pub has_rivals: bool,
    /// The newest first.
    pub ids: Vec<Id>,
    /// What was acknowledged of its data.
    pub data: Vec<Datum>,
    /// Whatever may have written its data.
    pub changes: Vec<Change>,
    /// When all others were ended by it.
    pub spared: Vec<Deed>,
}

pub struct Rotation {
    pub grace: Span,
    pub idle: Span,
}

impl Known {
    pub fn place_of(&self, id: &IdHash) -> Option<usize> {
        self.ids.iter().position(|known| known.hash == *id)
    }

    pub fn last_use(&self) -> Time {
        let uses = self.ids.iter().flat_map(|id| &id.uses).map(|deed| deed.at);
        uses.max().unwrap_or_default().max(self.made.at)
    }

    /// Nobody may be let in with this ID: says why.
    pub fn bars(
        &self,
        id: &IdHash,
        began: Deed,
        now: Time,
        rules: &Rotation,
    ) -> Option<&'static str> {
        if now >= self.absolute {
            return Some("past its absolute deadline");
        }
        if now >= self.last_use().plus(rules.idle) {
            return Some("past its idle deadline");
        }
        if self.ended.is_some_and(|ended| ended.is_known(began)) && !self.is_free {
            return Some("it has ended");
        }
        let place = self.place_of(id)?;
        let newer = &self.ids[..place];
        // What made it worth nothing: where and when, and where it was to be known for that.
        let at_once = newer.iter().rev().find(|id| id.at_once).map(|id| (id.given, id.given.place));
        let seen = newer.last().and_then(|next| {
            let used = next.uses.first()?;
            Some((Deed { at: used.at.plus(rules.grace), place: used.place }, next.given.place))
        });
        let is_dead = |(dead, given): &(Deed, usize)| {
            let is_known = |dead: Deed| {
                dead.is_known(began) && (dead.place == *given || began.at >= dead.at.plus(LAG))
            };
            // Where it was used meanwhile, it lasts until a newer one is next used.
            let older = self.ids[place..].iter().flat_map(|id| &id.uses);
            let is_lasting = |used: &Deed| {
                let is_elsewhere = used.place != dead.place || used.place != *given;
                is_elsewhere && used.at.plus(rules.grace) >= dead.at && used.at < dead.at.plus(LAG)
            };
            let lasting = older.filter(|used| is_lasting(used)).map(|used| used.at);
            // Or was on its way to being followed by another one.
            let given = self.ids[place..].iter().map(|id| id.given.at).filter(|at| *at >= dead.at);
            let last = lasting.chain(given).max();
            let Some(last) = last else { return is_known(*dead) };
            let uses = newer.iter().flat_map(|id| &id.uses).filter(|used| used.at > last);
            let mut ends =
                uses.map(|used| Deed { at: used.at.plus(rules.grace), place: used.place });
            ends.any(is_known)
        };
        let is_dead = at_once.iter().chain(&seen).any(is_dead);
        is_dead.then_some("its ID has been superseded")
    }

    /// Whether whoever presents this ID must be let in.
    pub fn must_let_in(&self, id: &IdHash, now: Time, rules: &Rotation) -> bool {
        let Some(place) = self.place_of(id) else { return false };
        let newer = &self.ids[..place];
        // Whoever learns of an ID by its cookie takes it for seen since it was given out.
        let seen = newer.last().filter(|next| !next.uses.is_empty()).map(|next| next.given.at);
        let is_good = !newer.iter().any(|id| id.at_once)
            && seen.is_none_or(|seen| now < seen.plus(rules.grace));
        // Activity of the last two minutes may not be known.
        let is_used = now < self.last_use().plus(rules.idle).minus(LAG.times(2));
        is_good && is_used && now < self.absolute && !self.may_be_over()
    }

    pub fn may_be_over(&self) -> bool {
        self.ended.is_some() || self.is_free || self.has_rivals
    }

    /// Takes a new ID that everything before it is dead with.
    pub fn replace(&mut self, hash: IdHash, from: IdHash, given: Deed) {
        if self.place_of(&hash).is_some() {
            return;
        }
        let is_rival = |id: &&Id| id.at_once && !self.descends(&from, &id.hash);
        self.has_rivals |=
            self.ids.iter().find(is_rival).is_some_and(|id| !id.given.is_known(given));
        self.ids.insert(0, Id { hash, from: Some(from), given, at_once: true, uses: Vec::new() });
    }

    /// Whether an ID is another one, or was made of it.
    fn descends(&self, id: &IdHash, from: &IdHash) -> bool {
        let known = self.ids.iter().find(|known| known.hash == *id);
        id == from || known.and_then(|known| known.from).is_some_and(|id| self.descends(&id, from))
    }

    /// The member of its data that must be shown to whoever has this ID, and is not.
    pub fn lost(&self, id: &IdHash, shown: impl Fn(&str) -> bool, began: Deed) -> Option<&str> {
        let lost = self.data.iter().find(|datum| {
            let is_undone = self.changes.iter().any(|change| change.may_undo(datum));
            let has_it = datum.with.is_none_or(|with| self.descends(id, &with));
            let is_sure = has_it && !is_undone && !self.has_rivals;
            is_sure && datum.deed.is_known(began) && !shown(&datum.name)
        });
        lost.map(|lost| lost.name.as_str())
    }

    pub fn print(&self, into: &mut impl Hasher) {
        self.hash(into);
    }
}
