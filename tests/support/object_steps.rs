//! What can happen to one object of the store, and what is known of a session from outside.

use edge_session::keys::KeyId;
use edge_session::lifetime::Shorter;
use edge_session::locator::Locator;
use edge_session::rotation::{Candidate, Derivation};
use edge_session::sid::Sid;
use edge_session::store::Policy;
use edge_session::time::{Span, Time};
use edge_session::token::{IdHash, Secret, SessionId};
use serde_json::{Value, json};

use crate::world::{config, extend, site};

/// Idle time, absolute lifetime, and that of a remembered session, of each deployment.
pub const LIVES: [[u64; 3]; 4] = [[60, 200, 300], [20, 60, 80], [600, 2000, 3000], [60, 200, 300]];

/// The configuration of each of them.
pub fn policies() -> Vec<Policy> {
    let policy = |[idle, absolute, remember]: [u64; 3], members: Value| {
        let seconds = |seconds: u64| format!("{seconds}s");
        let all = extend(
            json!({ "lifetime": {
                "idle": seconds(idle), "anonymous": seconds(idle), "absolute": seconds(absolute),
                "remember": seconds(remember), "touch": "10s" } }),
            &members,
        );
        site(&config(&all), &["k1"]).config.policy()
    };
    let rotation = |grace: &str, reuse_after: &str, reuse: &str| json!({ "rotation": { "every": "20s", "grace": grace, "reuse_after": reuse_after, "reuse": reuse } });
    vec![
        policy(LIVES[0], rotation("5s", "30s", "end")),
        policy(LIVES[1], rotation("1s", "5s", "end")),
        policy(LIVES[2], rotation("30s", "300s", "refuse")),
        policy(
            LIVES[3],
            extend(rotation("5s", "30s", "end"), &json!({ "limits": { "per_subject": 2 } })),
        ),
    ]
}

#[derive(Clone, Debug)]
pub enum Step {
    Create {
        remember: bool,
        end_others: bool,
        idle: Option<u64>,
        absolute: Option<u64>,
    },
    /// Somebody presents the ID of a session that is so many IDs old.
    Validate {
        session: usize,
        age: usize,
        slide: bool,
    },
    Update {
        session: usize,
        idle: Option<u64>,
        absolute: Option<u64>,
    },
    Rotate {
        session: usize,
        end_others: bool,
    },
    Succeed {
        session: usize,
    },
    Destroy {
        session: usize,
    },
    DestroyAll,
    Pass(u64),
    Rewind(u64),
    Deploy(usize),
    /// The alarm rings if it is due.
    Ring,
    /// It rings whether it is due or not.
    RingEarly,
    /// It rings and nothing can be done.
    RingInVain,
    /// What it does is done twice.
    RingTwice,
}

pub struct Known {
    pub sid: Sid,
    /// The handles that it got later.
    pub later: Vec<Sid>,
    /// Its IDs, newest first.
    pub ids: Vec<IdHash>,
    /// Not alive from then on, whatever happens.
    pub absolute: Time,
    /// The longest idle time that it can have.
    pub idle: Span,
    pub remember: bool,
    pub created: Time,
    /// The latest time at which activity can have been written, and the earliest of the latest.
    pub used: Time,
    pub surely: Time,
    pub ended: bool,
    /// Whether it may be over without having been ended.
    pub is_free: bool,
}

/// What follows from a session's current ID.
pub fn candidate(known: &Known) -> Candidate {
    let generation = u32::try_from(known.ids.len()).unwrap();
    let by = Derivation { key: KeyId::default(), generation };
    Candidate { from: known.ids[0], hash: hash(*known.ids[0].as_bytes()), by }
}

pub fn hash(bytes: [u8; 32]) -> IdHash {
    SessionId::new(Locator::from_bytes([0; 16]), Secret::from_entropy(bytes)).hash()
}

pub fn wish(idle: Option<u64>, absolute: Option<u64>) -> Shorter {
    Shorter { idle: idle.map(Span::from_secs), absolute: absolute.map(Span::from_secs) }
}
