//! Whether a small world in front of one KV keeps to what the README's table says.

use edge_session::store::{Command, Reply};
use edge_session::time::Span;
use edge_session::token::IdHash;

use super::{Places, ROTATION, Under};
use crate::known::{Change, Datum, Deed, Id, Known};
use crate::requests::Kind;
use crate::versions::LAG;

impl Places {
    /// Whether all sessions were ended, by another request, after this one had begun.
    pub(super) fn was_swept(&self, under: &Under, slack: Span) -> bool {
        let mut swept = self.swept.iter();
        swept.any(|(at, number)| *number != under.visit.number && at.plus(slack) >= under.began.at)
    }

    pub(super) fn may_be_over(&self, session: Option<usize>) -> bool {
        session.is_none_or(|session| self.known[session].may_be_over()) || self.is_changing()
    }

    /// Whether something is half done that ends sessions, or gives one a new ID.
    pub(super) fn is_changing(&self) -> bool {
        self.held.as_ref().is_some_and(|under| under.kind.is_final() && !under.writes.is_empty())
    }

    /// What is begun may be done, whatever is answered.
    pub(super) fn note_decided(&mut self, under: &Under) {
        let session = self.of(under.presented.as_ref());
        let call = under.visit.call().unwrap();
        let mut all = matches!(
            under.kind,
            Kind::Create { end_others: true } | Kind::Rotate { end_others: true }
        );
        all &= call.is_change();
        all |= matches!(call.request.command, Command::DestroyAll { .. });
        if all {
            self.swept.push((self.now, under.visit.number));
        }
        let _ = session;
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each command and its answer")]
    pub(super) fn note_done(&mut self, under: &Under, reply: &Reply) {
        let deed = Deed { at: self.now, place: under.began.place };
        let call = under.visit.call().unwrap();
        let session = self.of(under.presented.as_ref());
        let is_sure = !under.has_failed;
        let end = |known: &mut Known| {
            if is_sure {
                known.ended = known.ended.or(Some(deed));
            } else {
                known.is_free |= known.ended.is_none();
            }
        };
        match (&call.request.command, reply) {
            (Command::Update { change, .. }, Reply::Updated) => {
                self.note_change(session.unwrap(), under, change, None, deed);
            }
            (Command::Update { .. }, other) => {
                assert!(self.may_be_over(session), "what lives was not changed: {other:?}");
            }
            (Command::Rotate(rotate), Reply::Rotated { by, .. }) => {
                let session = session.unwrap();
                self.note_change(
                    session,
                    under,
                    &rotate.change,
                    Some(&rotate.candidate.hash),
                    deed,
                );
                self.known[session].is_free |= under.has_failed && under.has_new_id;
                if by.as_ref() == Some(&rotate.candidate.by) && is_sure {
                    let candidate = &rotate.candidate;
                    self.known[session].replace(candidate.hash, candidate.from, deed);
                }
                if rotate.end_others {
                    for place in (0..self.known.len()).filter(|place| *place != session) {
                        let made = self.known[place].made;
                        self.end_doubtfully(place, made, deed, is_sure);
                    }
                    let known = &mut self.known[session];
                    known.spared.push(deed);
                    // Ended by others elsewhere, in its first minute.
                    let ended = known.ended.filter(|ended| ended.place != deed.place);
                    known.is_free |= ended.is_some_and(|ended| {
                        ended.at.since(known.made.at) < LAG && deed.at.since(ended.at) < LAG
                    });
                }
            }
            (Command::Rotate(_), other) => {
                assert!(self.may_be_over(session), "what lives was not rotated: {other:?}");
            }
            (Command::Create(create), Reply::Created { lasting, .. }) => {
                if create.end_others {
                    for place in 0..self.known.len() {
                        let made = self.known[place].made;
                        self.end_doubtfully(place, made, deed, is_sure);
                    }
                }
                let id = Id {
                    hash: create.id,
                    from: None,
                    given: deed,
                    at_once: false,
                    uses: Vec::new(),
                };
                // Of a login while all sessions are ended nobody can tell.
                let is_free = under.has_failed || self.was_swept(under, Span::ZERO);
                self.known.push(Known {
                    root: create.sid.as_str().to_owned(),
                    made: deed,
                    absolute: lasting.absolute,
                    ended: None,
                    is_free,
                    has_rivals: false,
                    ids: vec![id],
                    data: Vec::new(),
                    changes: Vec::new(),
                    spared: if create.end_others { vec![deed] } else { Vec::new() },
                });
            }
            (Command::Create(_), Reply::Raced) => {
                assert!(self.was_swept(under, Span::from_secs(1)), "a login was refused");
            }
            (Command::Destroy { .. }, Reply::Ended { .. }) => {
                if let Some(session) = session {
                    end(&mut self.known[session]);
                }
            }
            (Command::DestroyAll { .. }, Reply::Ended { .. }) => {
                self.known.iter_mut().for_each(end);
            }
            (Command::Succeed { candidate }, Reply::Offer(_)) => {
                let known = &mut self.known[session.unwrap()];
                if known.place_of(&candidate.hash).is_none() {
                    // It follows the presented one, whatever else does.
                    let place = known.place_of(&candidate.from).unwrap();
                    assert!(
                        place == 0 || known.ids[..place].iter().any(|id| id.at_once),
                        "two successors"
                    );
                    let id = Id {
                        hash: candidate.hash,
                        from: Some(candidate.from),
                        given: deed,
                        at_once: false,
                        uses: Vec::new(),
                    };
                    known.ids.insert(place, id);
                }
            }
            (Command::Succeed { .. } | Command::Validate { .. }, _) => {}
            (command, reply) => panic!("{command:?}: {reply:?}"),
        }
    }

    /// Of two that end each other within a minute, one that was made within that minute may be left.
    fn end_doubtfully(&mut self, place: usize, made: Deed, deed: Deed, is_sure: bool) {
        let known = &mut self.known[place];
        if known.ended.is_some() {
            return;
        }
        let is_young = deed.at.since(made.at) < LAG;
        let ends_others = known
            .spared
            .iter()
            .any(|other| other.place != deed.place && deed.at.since(other.at) < LAG);
        if !is_sure || (is_young && ends_others) {
            known.is_free = true;
        } else {
            known.ended = Some(deed);
        }
    }

    fn note_change(
        &mut self,
        session: usize,
        under: &Under,
        change: &edge_session::data::Change,
        with: Option<&IdHash>,
        deed: Deed,
    ) {
        let known = &mut self.known[session];
        if !under.has_failed {
            let set = serde_json::to_value(&change.set).unwrap();
            let names = set.as_object().unwrap().keys();
            let with = with.copied();
            known.data.extend(names.map(|name| Datum {
                name: name.clone(),
                decided: under.decided,
                deed,
                with,
            }));
        }
        known.changes.push(Change { decided: under.decided, written: deed });
    }

    /// Whether the right one was let in, or nobody, once that is decided.
    pub(super) fn look_at(&mut self, under: &mut Under) {
        let is_decided = under.visit.seen.is_some() || under.visit.done().is_some();
        if under.looked_at || !is_decided {
            return;
        }
        under.looked_at = true;
        let Some(seen) = under.visit.seen.clone() else { return };
        let Some(session) = self.of(under.presented.as_ref()) else {
            assert!(seen["sid"].is_null(), "a session out of nothing");
            return;
        };
        let (now, id) = (self.now, under.presented.as_ref().unwrap().hash);
        let is_changing = self.is_changing();
        let known = &mut self.known[session];
        if seen["sid"].is_null() {
            assert!(
                is_changing || !known.must_let_in(&id, now, &ROTATION),
                "somebody was logged out"
            );
            return;
        }
        if let Some(why) = known.bars(&id, under.began, now, &ROTATION) {
            panic!("let in although {why}");
        }
        let told = seen["session"]["absolute"].as_u64().unwrap();
        assert!(told <= known.absolute.secs(), "the absolute deadline moved");
        let data = seen["data"].as_object().unwrap();
        if let Some(name) = known.lost(&id, |name| data.contains_key(name), under.began) {
            panic!("{name} was lost");
        }
        let place = known.place_of(&id).unwrap();
        known.ids[place].uses.push(under.began);
    }

    pub(super) fn conclude(under: &Under, cookies: &[String]) {
        let (status, _) = under.visit.done().unwrap();
        let raced = under.reply == Some(Reply::Raced);
        assert!(status != 503 || under.has_failed || raced, "503 without a fault");
        assert!(status < 500 || cookies.is_empty(), "a fault and a cookie");
        let is_login = matches!(under.kind, Kind::Create { .. } | Kind::Rotate { .. });
        let ends = under.kind.is_final() && !is_login;
        let clears = cookies.iter().any(|cookie| cookie.starts_with("__Host-session=;"));
        assert!(ends || !clears, "a cookie was cleared for no reason");
    }
}
