//! A command on Workers KV: which values it needs, and what it writes.
//!
//! Guarantees: the decision is [`store::apply()`], as for every store. KV shows
//! reads that are up to a minute old, remembers what it did not find for as long, and lets the last
//! of two writers win; so
//! - what must not be undone by a writer who did not know of it is a value of its own that nobody
//!   else writes: that a session has ended, when all of a subject's sessions were ended, when all
//!   but one were and which one, which ID is the current one, and activity;
//! - a session's own key is never asked for before the session exists, so that no "not found" of it
//!   is remembered anywhere; where a session is missing all the same and its cookie is young, that is
//!   a fault and not an answer, and nobody remembers that a session is missing;
//! - a cookie that is younger than what was read proves the ID in it: the gate seals no ID before
//!   the store has taken it. A cookie proves whose it is as well, so ending its session never
//!   depends on what was read.
//!
//! What KV can't keep is in the README's table.

mod changes;
mod values;

use std::collections::HashMap;

use crate::lifetime::Lifetimes;
use crate::record::{Record, Session};
use crate::sid::Sid;
use crate::store::{self, Command, Fault, Gone, Reply, Request, Which};
use crate::time::{Span, Time};
use crate::verdict::Call;
use changes::Changes;
pub use changes::Write;
use values::{Keys, Kind};

/// How old a read may be.
pub const LAG: Span = Span::from_secs(60);

/// How old a cookie looks at most while a read may be older: sealed to the second, by another clock.
const SETTLED: Span = LAG.plus(Span::from_secs(2));

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

/// A command on its way.
#[derive(Debug)]
pub struct Errand<'call> {
    call: &'call Call,
    keys: Keys,
    values: HashMap<String, Option<String>>,
    roots: Option<Vec<Sid>>,
}

/// What was read, taken together.
struct Known {
    record: Record,
    /// When all sessions were last ended.
    all: Option<Time>,
    /// When all but one were.
    others: Option<Time>,
    /// That one.
    spared: Option<Sid>,
}

impl Known {
    /// Whether a session that began then has been ended together with others.
    fn is_ended(&self, root: &Sid, began: Time) -> bool {
        let by_others = self.spared.as_ref() != Some(root);
        self.is_ended_with_all(began)
            || (by_others && self.others.is_some_and(|others| began <= others))
    }

    /// Whether it has been ended with all of them, which spares none.
    fn is_ended_with_all(&self, began: Time) -> bool {
        self.all.is_some_and(|all| began <= all)
    }
}

impl<'call> Errand<'call> {
    /// A command that nothing is known for yet.
    #[must_use]
    pub fn new(call: &'call Call) -> Self {
        Self { call, keys: Keys::of(call.locator), values: HashMap::new(), roots: None }
    }

    /// What has to be read next.
    #[must_use]
    pub fn need(&self) -> Need {
        if self.is_about_all() && self.roots.is_none() {
            return Need::Names(self.keys.prefix(Kind::Session));
        }
        let mut keys = vec![self.keys.all(), self.keys.others()];
        if let Some(Which::Sid(sid)) = self.which() {
            keys.push(self.keys.key(Kind::Alias, sid));
        }
        for root in self.sessions() {
            keys.extend(Kind::OF_A_SESSION.map(|kind| self.keys.key(kind, &root)));
        }
        keys.retain(|key| !self.values.contains_key(key));
        if keys.is_empty() { Need::Nothing } else { Need::Values(keys) }
    }

    /// Takes note of a value that was read.
    pub fn learn(&mut self, key: String, value: Option<String>) {
        self.values.insert(key, value);
    }

    /// Takes note of the names that were read.
    pub fn learn_names(&mut self, names: &[String]) {
        let prefix = self.keys.prefix(Kind::Session);
        let roots = names.iter().filter_map(|name| Sid::parse(name.strip_prefix(&prefix)?));
        self.roots = Some(roots.collect());
    }

    /// Decides, once nothing more is needed.
    ///
    /// # Errors
    /// When what was read is of another format, or older than the cookie that it is about.
    pub fn decide(self, now: Time) -> Result<(Reply, Vec<Write>), Fault> {
        let mut known = self.known()?;
        let is_undone = self.catch_up(&mut known, now)?;
        let value = |root: &Sid| self.values.get(&self.keys.key(Kind::Session, root))?.as_deref();
        let held = values::hold_back(&mut known.record.sessions, value).ok_or(Fault::Unreadable)?;
        let before = &known.record;
        let request = self.request();
        let (written, reply) = store::apply(before, &request, now);
        let is_done = written.is_some();
        let after = written.as_ref().unwrap_or(before);
        let (keys, held) = (&self.keys, &*held);
        let changes = Changes { keys, held, request: &request, before, after, is_done, now };
        let mut writes = changes.writes(&reply)?;
        if let (true, Reply::Live(view)) = (is_undone, &reply) {
            writes.extend(changes.ids(&view.root)?);
        }
        if let Some(root) = self.left_behind(&known, &reply, now) {
            writes.push(changes.ending(&root)?);
        }
        Ok((self.certain(&known, reply, now), writes))
    }

    /// Whether the command has to see all of the subject's sessions.
    fn is_about_all(&self) -> bool {
        match &self.call.request.command {
            Command::List => true,
            Command::Create(_) => {
                let owner = self.call.request.owner.as_ref();
                owner.is_some_and(|owner| owner.subject().is_some())
            }
            Command::Rotate(rotate) => rotate.end_others,
            _ => false,
        }
    }

    /// How the command names its session, if it names one.
    fn which(&self) -> Option<&Which> {
        match &self.call.request.command {
            Command::Update { which, .. } | Command::Destroy { which, .. } => Some(which),
            Command::Rotate(rotate) => Some(&rotate.which),
            _ => None,
        }
    }

    /// The first handle of the session that the command names, as far as that is known.
    fn named(&self) -> Option<Sid> {
        match self.which()? {
            Which::Root(root) => Some(root.clone()),
            Which::Sid(sid) => match self.values.get(&self.keys.key(Kind::Alias, sid))? {
                Some(root) => Sid::parse(root),
                None => Some(sid.clone()),
            },
            Which::Id(_) => self.stamped(),
        }
    }

    fn stamped(&self) -> Option<Sid> {
        self.call.request.stamp.as_ref().map(|stamp| stamp.root.clone())
    }

    /// The sessions that the command may concern, as far as that is known.
    fn sessions(&self) -> Vec<Sid> {
        let one = match &self.call.request.command {
            Command::List | Command::Create(_) => None,
            Command::Update { .. } | Command::Destroy { .. } | Command::Rotate(_) => self.named(),
            _ => self.stamped(),
        };
        let mut roots = self.roots.clone().unwrap_or_default();
        roots.extend(one.filter(|one| !roots.contains(one)));
        roots
    }

    /// The command, with its session named in a way that no stale read can miss, and without what
    /// another store gives for nothing: here activity is a value of its own, whose write costs as
    /// much as any, and a new session is kept with an earlier beginning than the command gave it.
    fn request(&self) -> Request {
        let mut request = self.call.request.clone();
        match &mut request.command {
            Command::Create(create) => create.shown = false,
            Command::Update { activity, .. } => *activity = None,
            Command::Rotate(rotate) => rotate.activity = None,
            _ => {}
        }
        if let (Some(root), Command::Update { which, .. } | Command::Destroy { which, .. }) =
            (self.named(), &mut request.command)
        {
            *which = Which::Root(root);
        }
        request
    }

    fn known(&self) -> Result<Known, Fault> {
        let text = |key: &str| self.values.get(key).and_then(Option::as_deref);
        let barrier = |key: String| match text(&key) {
            Some(text) => values::read_barrier(text).ok_or(Fault::Unreadable),
            None => Ok((Record::default(), None)),
        };
        let (all, _) = barrier(self.keys.all())?;
        let (others, spared) = barrier(self.keys.others())?;
        let mut known =
            Known { all: all.barrier, others: others.barrier, spared, record: Record::default() };
        let mut record = all.joined(others);
        for root in self.sessions() {
            let value = |kind| text(&self.keys.key(kind, &root));
            let part = |text| Record::read(text).ok_or(Fault::Unreadable);
            let mut part = match (value(Kind::Ended), value(Kind::Session)) {
                (Some(ended), _) => part(ended)?,
                (None, Some(session)) => part(session)?,
                (None, None) => continue,
            };
            part.sessions.retain(|session| session.root == root);
            for session in &mut part.sessions {
                if let Some(text) = value(Kind::Ids) {
                    let ids = values::read_ids(text).ok_or(Fault::Unreadable)?;
                    if ids.generation() >= session.ids.generation() {
                        session.ids = ids;
                    }
                }
                if let Some(text) = value(Kind::Activity) {
                    values::recall(session, text).ok_or(Fault::Unreadable)?;
                }
            }
            record = record.joined(part);
        }
        // As a store that holds them together has them.
        record.sessions.sort_by_key(|session| session.life.created);
        let barrier = record.barrier;
        for session in &mut record.sessions {
            let is_ended = known.is_ended(&session.root, session.life.created);
            session.spared = barrier.filter(|_| !is_ended);
        }
        known.record = record;
        Ok(known)
    }

    /// Brings what was read up to what the presented cookie proves. Says whether its ID would have
    /// been read by now, had nobody who did not know of it written another.
    fn catch_up(&self, known: &mut Known, now: Time) -> Result<bool, Fault> {
        let Some(stamp) = &self.call.request.stamp else {
            return Ok(false);
        };
        let (presented, may_be_missing) = match &self.call.request.command {
            Command::Validate { id, .. } => (*id, false),
            Command::Succeed { candidate } => (candidate.from, false),
            Command::Rotate(rotate) => (rotate.candidate.from, true),
            Command::DestroyAll { presented: Some(id), .. } => (*id, true),
            _ => return Ok(false),
        };
        let age = now.since(stamp.sealed);
        let sessions = &mut known.record.sessions;
        if let Some(session) = sessions.iter_mut().find(|it| it.root == stamp.root) {
            let is_news = session.ids.catch_up(presented, stamp.generation, stamp.sealed);
            return Ok(is_news && age > SETTLED);
        }
        if age <= LAG && !may_be_missing && !self.has_ended(known) {
            return Err(Fault::Unsettled);
        }
        Ok(false)
    }

    /// Whether a session that was not found has ended, as far as that is proven.
    fn has_ended(&self, known: &Known) -> bool {
        let Some(stamp) = &self.call.request.stamp else {
            return false;
        };
        let marker = self.keys.key(Kind::Ended, &stamp.root);
        let is_marked = matches!(self.values.get(&marker), Some(Some(_)));
        // It began before its cookie was sealed, in the second that the cookie names or earlier.
        is_marked || known.is_ended(&stamp.root, stamp.sealed_by())
    }

    /// The session that was to be ended and was not found alive, where that may be for want of news,
    /// or not for good: that it has ended is written all the same. Whoever was to end with all others
    /// may be ending all others elsewhere, and be spared by that.
    fn left_behind(&self, known: &Known, reply: &Reply, now: Time) -> Option<Sid> {
        let Command::Destroy { which, .. } = &self.call.request.command else {
            return None;
        };
        let Reply::Ended { ended, .. } = reply else {
            return None;
        };
        let root = self.named().filter(|_| ended.is_empty())?;
        let lifetimes = &self.call.request.policy.lifetimes;
        let marker = self.values.get(&self.keys.key(Kind::Ended, &root));
        if matches!(marker, Some(Some(_))) {
            return None;
        }
        let found = known.record.sessions.iter().find(|session| session.root == root);
        let is_doubtful = match found {
            // Under another configuration it may live until then, and for those who have not heard
            // that its life was shortened.
            Some(Session { life, .. }) => {
                let ends = life.longest_end(lifetimes, known.record.is_signed_in());
                !known.is_ended_with_all(life.created) && now < ends
            }
            None => !matches!(which, Which::Sid(_)),
        };
        is_doubtful.then_some(root)
    }

    /// What was decided, as far as it is certain.
    fn certain(&self, known: &Known, reply: Reply, now: Time) -> Reply {
        let lifetimes = &self.call.request.policy.lifetimes;
        match (&self.call.request.command, &reply) {
            (Command::Validate { .. }, Reply::Gone(gone)) if gone.is_final() => {
                let root = self.stamped();
                let mut sessions = known.record.sessions.iter();
                let is_certain = match sessions.find(|session| Some(&session.root) == root.as_ref())
                {
                    Some(session) => is_surely_over(&known.record, session, lifetimes, now),
                    None => self.has_ended(known),
                };
                if is_certain { reply } else { Reply::Gone(Gone::Unknown) }
            }
            _ => reply,
        }
    }
}

/// Whether a session is over, however old what was read may be.
fn is_surely_over(known: &Record, session: &Session, lifetimes: &Lifetimes, now: Time) -> bool {
    let deadlines = known.deadlines(session, lifetimes);
    known.bars(session) || now >= deadlines.absolute || now >= deadlines.idle.plus(LAG)
}
