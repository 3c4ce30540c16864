//! A command on Workers KV: which values it needs, and what it writes.
//!
//! Guarantees: the decision is [`store::apply()`], as for every store. KV shows
//! reads that are up to a minute old, remembers what it did not find for as long, and lets the last
//! of two writers win; so
//! - what must not be undone by a writer who did not know of it is a value of its own that nobody
//!   else writes: that a session has ended, when all of a subject's sessions were ended, and
//!   activity;
//! - a key is never asked for before the session under it exists, so that no "not found" of it is
//!   remembered anywhere; where a session is missing all the same and its cookie is young, that is a
//!   fault and not an answer;
//! - a cookie that is younger than what was read proves the ID in it: the gate seals no ID before
//!   the store has taken it.
//!
//! What KV can't keep is in the README's table.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::record::{Record, Session};
use crate::sid::Sid;
use crate::store::{self, Command, Fault, Reply, Which};
use crate::time::{Span, Time};
use crate::verdict::Call;

/// How old a read may be.
pub const LAG: Span = Span::from_secs(60);

/// The shortest time to live that KV takes, in seconds.
const SHORTEST_LIFE: u64 = 60;

/// What a command has to know before it can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing more.
    Nothing,
    /// The names of the keys that begin like this.
    Names(String),
    /// The values of these keys.
    Values(Vec<String>),
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The value; nothing to remove it.
    pub value: Option<String>,
    /// How long it is kept, in seconds.
    pub seconds: u64,
    /// Whether the command has failed without it.
    pub required: bool,
}

/// When a session was used, kept apart from the session, so that writing it down undoes nothing.
#[derive(Serialize, Deserialize)]
struct Activity {
    touched: Time,
    /// The number of the ID that was presented.
    generation: u32,
}

/// A command on its way.
#[derive(Debug)]
pub struct Errand<'call> {
    call: &'call Call,
    values: HashMap<String, Option<String>>,
    roots: Option<Vec<Sid>>,
}

/// Which of a session's values a key is for.
const SESSION: char = 's';
const ENDED: char = 'e';
const ACTIVITY: char = 't';
const ALIAS: char = 'a';

impl<'call> Errand<'call> {
    /// A command that nothing is known for yet.
    #[must_use]
    pub fn new(call: &'call Call) -> Self {
        Self {
            call,
            values: HashMap::new(),
            roots: None,
        }
    }

    /// What has to be read next.
    #[must_use]
    pub fn need(&self) -> Need {
        if self.is_about_all() && self.roots.is_none() {
            return Need::Names(self.prefix(SESSION));
        }
        let mut keys = vec![self.barrier_key()];
        if let Command::Update { which, .. } | Command::Destroy { which, .. } =
            &self.call.request.command
            && let Which::Sid(sid) = which
        {
            keys.push(self.key(ALIAS, sid));
        }
        for root in self.sessions() {
            keys.extend([SESSION, ENDED, ACTIVITY].map(|kind| self.key(kind, &root)));
        }
        keys.retain(|key| !self.values.contains_key(key));
        if keys.is_empty() {
            Need::Nothing
        } else {
            Need::Values(keys)
        }
    }

    /// Takes note of a value that was read.
    pub fn learn(&mut self, key: String, value: Option<String>) {
        self.values.insert(key, value);
    }

    /// Takes note of the names that were read.
    pub fn learn_names(&mut self, names: &[String]) {
        let prefix = self.prefix(SESSION);
        let roots = names
            .iter()
            .filter_map(|name| Sid::parse(name.strip_prefix(&prefix)?));
        self.roots = Some(roots.collect());
    }

    /// Decides, once nothing more is needed.
    ///
    /// # Errors
    /// When what was read is of another format, or older than the cookie that it is about.
    pub fn decide(self, now: Time) -> Result<(Reply, Vec<Write>), Fault> {
        let mut record = Record::default();
        for key in self
            .values
            .keys()
            .filter(|key| !key.starts_with([ACTIVITY, ALIAS]))
        {
            if let Some(part) = self.part(key)? {
                record = record.joined(part);
            }
        }
        record
            .sessions
            .retain(|session| !self.has(ENDED, &session.root));
        self.recall_activity(&mut record)?;
        self.catch_up(&mut record, now)?;
        let before = record.clone();
        let (after, reply) = store::apply(record, &self.call.request, now);
        let writes = self.writes(&before, &after, now)?;
        Ok((reply, writes))
    }

    /// Whether the command has to see all of the subject's sessions.
    fn is_about_all(&self) -> bool {
        match &self.call.request.command {
            Command::List => true,
            Command::Create(create) => {
                let owner = self.call.request.owner.as_ref();
                !create.end_others && owner.is_some_and(|owner| owner.subject().is_some())
            }
            _ => false,
        }
    }

    /// The sessions that the command may concern, as far as that is known.
    fn sessions(&self) -> Vec<Sid> {
        let named = match &self.call.request.command {
            Command::List | Command::Create(_) => return self.roots.clone().unwrap_or_default(),
            Command::Update { which, .. } | Command::Destroy { which, .. } => Some(which),
            Command::Rotate(rotate) => Some(&rotate.which),
            _ => None,
        };
        match named {
            Some(Which::Root(root)) => vec![root.clone()],
            Some(Which::Sid(sid)) => match self.values.get(&self.key(ALIAS, sid)) {
                Some(Some(root)) => Sid::parse(root).into_iter().collect(),
                Some(None) => vec![sid.clone()],
                None => Vec::new(),
            },
            Some(Which::Id(_)) | None => {
                let stamp = self.call.request.stamp.as_ref();
                stamp.map(|stamp| stamp.root.clone()).into_iter().collect()
            }
        }
    }

    fn recall_activity(&self, record: &mut Record) -> Result<(), Fault> {
        for session in &mut record.sessions {
            let Some(Some(text)) = self.values.get(&self.key(ACTIVITY, &session.root)) else {
                continue;
            };
            let activity: Activity = serde_json::from_str(text).map_err(|_| Fault::Unreadable)?;
            session.life.touched = session.life.touched.max(activity.touched);
            if activity.generation >= session.ids.generation() {
                session.ids.see(activity.touched);
            }
        }
        Ok(())
    }

    /// Brings what was read up to what the presented cookie proves.
    fn catch_up(&self, record: &mut Record, now: Time) -> Result<(), Fault> {
        let Some(stamp) = &self.call.request.stamp else {
            return Ok(());
        };
        let presented = match &self.call.request.command {
            Command::Succeed { candidate } => candidate.from,
            Command::Validate { id, .. }
            | Command::Destroy {
                which: Which::Id(id),
                ..
            }
            | Command::DestroyAll {
                presented: Some(id),
                ..
            } => *id,
            _ => return Ok(()),
        };
        let known = record
            .sessions
            .iter_mut()
            .find(|session| session.root == stamp.root);
        match known {
            Some(session) => session
                .ids
                .catch_up(presented, stamp.generation, stamp.sealed),
            None if self.has(ENDED, &stamp.root) => {}
            None if matches!(self.call.request.command, Command::DestroyAll { .. }) => {}
            None if now.since(stamp.sealed) <= LAG => return Err(Fault::Unsettled),
            None => {}
        }
        Ok(())
    }

    fn writes(&self, before: &Record, after: &Record, now: Time) -> Result<Vec<Write>, Fault> {
        let policy = &self.call.request.policy;
        let mut writes = Vec::new();
        let text = |record: &Record| record.to_text().map_err(|_| Fault::Failed);
        let life = |session: &Session| {
            let deadlines = after.deadlines(session, &policy.lifetimes);
            deadlines.absolute.since(now).secs_up().max(SHORTEST_LIFE)
        };
        if after.barrier > before.barrier {
            let lifetimes = &policy.lifetimes;
            let longest = lifetimes.absolute.max(lifetimes.remember).secs_up();
            let part = after.part(None, after.barrier, true);
            writes.push(Write {
                key: self.barrier_key(),
                value: Some(text(&part)?),
                seconds: longest.max(SHORTEST_LIFE),
                required: true,
            });
        }
        for session in &after.sessions {
            let old = before.sessions.iter().find(|old| old.root == session.root);
            if old == Some(session) {
                continue;
            }
            let root = &session.root;
            if old.is_some_and(|old| is_activity(old, session)) {
                let activity = Activity {
                    touched: session.life.touched,
                    generation: session.ids.generation(),
                };
                let value = serde_json::to_string(&activity).map_err(|_| Fault::Failed)?;
                writes.push(self.write(ACTIVITY, root, value, life(session), false));
                continue;
            }
            if old.is_some_and(|old| old.ids.sid() != session.ids.sid()) {
                let alias = root.as_str().to_owned();
                writes.push(self.write(ALIAS, session.ids.sid(), alias, life(session), true));
            }
            let part = after.part(Some(session.clone()), None, true);
            writes.push(self.write(SESSION, root, text(&part)?, life(session), true));
        }
        for session in &before.sessions {
            let is_gone = !after
                .sessions
                .iter()
                .any(|other| other.root == session.root);
            // What time has ended is gone by itself, and what a barrier has ended by the barrier.
            let by_barrier = after.barrier > before.barrier;
            if is_gone && !by_barrier && before.is_live(session, &policy.lifetimes, now) {
                let root = &session.root;
                let part = after.part(None, None, true);
                writes.push(self.write(ENDED, root, text(&part)?, life(session), true));
                writes.push(Write {
                    key: self.key(SESSION, root),
                    value: None,
                    seconds: 0,
                    required: false,
                });
            }
        }
        Ok(writes)
    }

    fn write(&self, kind: char, sid: &Sid, value: String, seconds: u64, required: bool) -> Write {
        Write {
            key: self.key(kind, sid),
            value: Some(value),
            seconds,
            required,
        }
    }

    fn part(&self, key: &str) -> Result<Option<Record>, Fault> {
        let Some(Some(text)) = self.values.get(key) else {
            return Ok(None);
        };
        Record::read(text).map(Some).ok_or(Fault::Unreadable)
    }

    fn has(&self, kind: char, sid: &Sid) -> bool {
        matches!(self.values.get(&self.key(kind, sid)), Some(Some(_)))
    }

    fn key(&self, kind: char, sid: &Sid) -> String {
        format!("{}{}", self.prefix(kind), sid.as_str())
    }

    fn prefix(&self, kind: char) -> String {
        format!("{kind}/{}/", self.call.locator.object_name())
    }

    fn barrier_key(&self) -> String {
        format!("b/{}", self.call.locator.object_name())
    }
}

/// Whether nothing but activity tells two states of a session apart.
fn is_activity(old: &Session, new: &Session) -> bool {
    let mut old = old.clone();
    old.life.touched = new.life.touched;
    let same_standing = new.ids.current() == old.ids.current();
    let rest = Session {
        ids: new.ids.clone(),
        ..old
    };
    same_standing && rest == *new
}
