//! What is known of a user's sessions by what their one object has been asked, one command after the
//! other: a second, shorter telling of the rules, to hold the answers against.

use std::hash::{Hash, Hasher};

use edge_session::store::{Command, Gone, Reply, Which};
use edge_session::time::{Span, Time};
use edge_session::token::IdHash;
use edge_session::verdict::Call;

pub const IDLE: Span = Span::from_secs(60);
pub const ABSOLUTE: Span = Span::from_secs(200);
pub const TOUCH: Span = Span::from_secs(10);
pub const GRACE: Span = Span::from_secs(5);
pub const REUSE: Span = Span::from_secs(30);
pub const FRESH: Span = Span::from_secs(5);

/// A moment: the command with this number had just been carried out.
#[derive(Clone, Copy, Hash, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Moment {
    pub number: usize,
    pub at: Time,
}

#[derive(Clone, Hash)]
pub struct Id {
    pub hash: IdHash,
    issued: Moment,
    seen: Option<Time>,
    at_once: bool,
}

#[derive(Clone, Hash)]
pub struct Known {
    pub root: String,
    sids: Vec<String>,
    touched: Time,
    pub absolute: Time,
    pub ended: Option<Moment>,
    /// The newest first.
    pub ids: Vec<Id>,
    pub data: Vec<(String, Moment)>,
}

#[derive(Clone, Default, Hash)]
pub struct Spec {
    pub sessions: Vec<Known>,
    all_ended: Option<Time>,
    done: usize,
}

impl Known {
    pub fn is_over(&self, now: Time) -> bool {
        self.ended.is_some() || self.is_over_by_time(now)
    }

    pub fn is_over_by_time(&self, now: Time) -> bool {
        now >= self.absolute || now >= self.touched.plus(IDLE)
    }

    /// When time and its successors make an ID worth nothing, if they do: at or after the moment.
    pub fn dead_since(&self, id: &IdHash) -> Option<(Time, Option<Moment>)> {
        let place = self.ids.iter().position(|known| known.hash == *id)?;
        let after = &self.ids[..place];
        if let Some(first) = after.iter().rev().find(|id| id.at_once) {
            return Some((first.issued.at, Some(first.issued)));
        }
        Some((after.last()?.seen?.plus(GRACE), None))
    }

    fn is_good(&self, id: &IdHash, now: Time) -> bool {
        !self.is_over(now) && self.dead_since(id).is_none_or(|(since, _)| now < since)
    }

    fn is_reused(&self, id: &IdHash, now: Time) -> bool {
        let place = self.ids.iter().position(|known| known.hash == *id).unwrap();
        let seen = place.checked_sub(1).and_then(|place| self.ids[place].seen);
        seen.is_some_and(|seen| now.since(seen) >= REUSE)
    }

    pub fn was_replaced_at_once(&self) -> bool {
        self.ids.iter().any(|id| id.at_once)
    }
}

impl Spec {
    pub fn of(&self, id: &IdHash) -> Option<usize> {
        self.sessions.iter().position(|known| known.ids.iter().any(|it| it.hash == *id))
    }

    fn named(&self, which: &Which) -> Option<usize> {
        match which {
            Which::Id(hash) => self.of(hash),
            Which::Root(root) => self.sessions.iter().position(|known| known.root == root.as_str()),
            Which::Sid(sid) => {
                let has = |known: &Known| known.sids.iter().any(|it| it == sid.as_str());
                self.sessions.iter().position(has)
            }
        }
    }

    pub fn moment(&self, now: Time) -> Moment {
        Moment { number: self.done, at: now }
    }

    fn end(&mut self, place: usize, at: Moment) -> bool {
        let lived = !self.sessions[place].is_over(at.at);
        if lived {
            self.sessions[place].ended = Some(at);
        }
        lived
    }

    fn end_all(&mut self, but: Option<usize>, at: Moment) -> usize {
        self.all_ended = Some(at.at);
        (0..self.sessions.len()).filter(|place| Some(*place) != but && self.end(*place, at)).count()
    }

    /// A command was carried out and answered so; `began` is when the request reached the gate that it
    /// comes of, and `again` says that it may have been carried out before.
    pub fn take(&mut self, call: &Call, reply: &Reply, now: Time, began: Time, again: bool) {
        self.done += 1;
        let at = self.moment(now);
        match (&call.request.command, reply) {
            (Command::Validate { id, slide }, reply) => self.validated(id, *slide, reply, now),
            (Command::Create(create), Reply::Created { .. }) => {
                let root = create.sid.as_str().to_owned();
                if let Some(place) = self.named(&Which::Root(create.sid.clone())) {
                    assert!(again && !self.sessions[place].is_over(now), "made again");
                    return;
                }
                assert!(
                    self.all_ended.is_none_or(|ended| ended < began),
                    "a login slipped through"
                );
                let old = create.replaces.as_ref().and_then(|which| self.named(which));
                if create.end_others {
                    self.end_all(None, at);
                }
                if let Some(old) = old {
                    self.end(old, at);
                }
                let id = Id { hash: create.id, issued: at, seen: Some(now), at_once: false };
                let member = |name: &String| (name.clone(), at);
                self.sessions.push(Known {
                    sids: vec![root.clone()],
                    root,
                    touched: now,
                    absolute: Time::from_secs(now.plus(ABSOLUTE).secs()),
                    ended: None,
                    ids: vec![id],
                    data: members(&create.data).iter().map(member).collect(),
                });
            }
            (Command::Create(_), Reply::Raced) => {
                assert!(self.all_ended.is_some_and(|ended| ended >= began), "a login was refused");
            }
            (Command::Update { which, change, activity, shorter, .. }, reply) => {
                let Some(place) = self.live(which, now) else {
                    assert_eq!(*reply, Reply::NoSession, "what is over was changed");
                    return;
                };
                assert_eq!(*reply, Reply::Updated, "what lives was not changed");
                let known = &mut self.sessions[place];
                known.data.extend(members(&change.set).into_iter().map(|name| (name, at)));
                known.touched =
                    known.touched.max(now.minus(activity.unwrap_or(now.since(Time::default()))));
                if let Some(absolute) = shorter.absolute {
                    let sooner = Time::from_secs(now.plus(absolute).secs());
                    known.absolute = known.absolute.min(sooner);
                }
            }
            (Command::Rotate(rotate), Reply::Rotated { by, .. }) => {
                let place = self.live(&rotate.which, now).expect("what is over was rotated");
                let candidate = &rotate.candidate;
                let known = &mut self.sessions[place];
                if again && known.sids.iter().any(|sid| sid == rotate.sid.as_str()) {
                    return;
                }
                let is_new = by.as_ref() == Some(&candidate.by);
                assert_eq!(is_new, known.is_good(&candidate.from, now), "whose ID follows");
                known.data.extend(members(&rotate.change.set).into_iter().map(|name| (name, at)));
                known.sids.push(rotate.sid.as_str().to_owned());
                let ago = rotate.activity.unwrap_or(now.since(Time::default()));
                known.touched = known.touched.max(now.minus(ago));
                if is_new {
                    let id = Id { hash: candidate.hash, issued: at, seen: None, at_once: true };
                    known.ids.insert(0, id);
                }
                if rotate.end_others {
                    self.end_all(Some(place), at);
                }
            }
            (Command::Rotate(rotate), Reply::NoSession) => {
                assert!(self.live(&rotate.which, now).is_none(), "what lives was not rotated");
            }
            (Command::Rotate(rotate), Reply::Taken { .. }) => {
                let place = self.live(&rotate.which, now).expect("what is over was rotated");
                assert!(self.sessions[place].ids.len() > 1, "nobody has taken its number");
            }
            (Command::Succeed { candidate }, reply) => self.succeeded(candidate, reply, at),
            (Command::Destroy { which, .. }, Reply::Ended { ended, .. }) => {
                let lived = self.named(which).is_some_and(|place| self.end(place, at));
                assert_eq!(lived, !ended.is_empty(), "what was ended");
            }
            (Command::DestroyAll { .. }, Reply::Ended { ended, .. }) => {
                assert_eq!(self.end_all(None, at), ended.len(), "what was ended with all");
            }
            (command, reply) => panic!("{command:?}: {reply:?}"),
        }
    }

    fn live(&self, which: &Which, now: Time) -> Option<usize> {
        self.named(which).filter(|place| !self.sessions[*place].is_over(now))
    }

    fn validated(&mut self, id: &IdHash, slide: bool, reply: &Reply, now: Time) {
        let at = self.moment(now);
        let Some(place) = self.of(id) else {
            assert_eq!(*reply, Reply::Gone(Gone::Ended), "an ID out of nothing");
            return;
        };
        let known = &mut self.sessions[place];
        match reply {
            Reply::Live(view) => {
                assert!(known.is_good(id, now), "let in with an ID that is worth nothing");
                assert_eq!(view.root.as_str(), known.root, "another session");
                assert_eq!(view.absolute, known.absolute, "another absolute deadline");
                let data: Vec<&String> = known.data.iter().map(|(name, _)| name).collect();
                let mut told = members(&view.data);
                told.sort();
                let mut data: Vec<String> = data.into_iter().cloned().collect();
                data.sort();
                data.dedup();
                assert_eq!(told, data, "other data");
                if known.ids[0].hash == *id {
                    known.ids[0].seen.get_or_insert(now);
                }
                if slide && now.since(known.touched) >= TOUCH {
                    known.touched = now;
                }
            }
            Reply::Gone(gone) => {
                assert!(!known.is_good(id, now), "logged out: {gone:?}");
                let ends = !known.is_over(now) && known.is_reused(id, now);
                let ended = matches!(gone, Gone::Superseded { ended: true, .. });
                assert_eq!(ends, ended, "a copy that comes back late ends its session");
                if ended {
                    known.ended = Some(at);
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn succeeded(
        &mut self,
        candidate: &edge_session::rotation::Candidate,
        reply: &Reply,
        at: Moment,
    ) {
        let Some(place) = self.of(&candidate.from) else { panic!("a successor of nothing") };
        let known = &mut self.sessions[place];
        let newest = &known.ids[0];
        let is_same = newest.hash == candidate.hash && !newest.at_once;
        let is_next = newest.hash == candidate.from;
        let may = known.is_good(&candidate.from, at.at) && (is_same || is_next);
        assert_eq!(may, matches!(reply, Reply::Offer(_)), "whether a successor may be handed out");
        if may && !is_same {
            assert!(newest.seen.is_some(), "rotated twice, and never seen");
            let id = Id { hash: candidate.hash, issued: at, seen: None, at_once: false };
            known.ids.insert(0, id);
        }
    }

    pub fn print(&self, into: &mut impl Hasher) {
        self.hash(into);
    }
}

pub fn members(data: &edge_session::data::Data) -> Vec<String> {
    let value = serde_json::to_value(data).unwrap();
    value.as_object().unwrap().keys().cloned().collect()
}
