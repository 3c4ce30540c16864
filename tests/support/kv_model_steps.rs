//! What can happen on a late KV, and what is known of a session from outside.

use edge_session::time::Time;

#[derive(Clone, Debug)]
pub enum Step {
    Create(usize, bool),
    Update,
    /// The session is to end in so many seconds.
    Shorten(u64),
    Rotate(bool),
    Destroy,
    DestroyAll,
    Logout,
    Open {
        arrives: bool,
    },
    Write,
    /// Somebody copies this browser's cookies into that one.
    Copy(usize),
    /// The application says something out of band, of one of the sessions by one of its handles.
    Out(&'static str, usize, usize),
    Pass(u64),
}

pub struct Known {
    pub subject: &'static str,
    /// The handles that the application knows it by, and since when.
    pub sids: Vec<(String, Time)>,
    pub created: Time,
    /// When it was used; the first is when it was made.
    pub uses: Vec<Time>,
    /// When and where it was ended.
    pub ended: Option<(Time, usize)>,
    /// Whether that was by `end_others` of a session that may not have known of it yet.
    pub is_doubtful: bool,
    /// Whether it may be over without having been ended: another browser has had its cookies, its life
    /// was shortened, or nobody can tell whether it was ended.
    pub is_free: bool,
}

impl Known {
    /// Whether everybody must know that it was used lately: activity is written once a minute, and what
    /// was written elsewhere shows a minute later.
    pub fn is_used(&self, now: Time) -> bool {
        let age = |used: &Time| now.since(*used).secs();
        age(&self.uses[0]) < 1700 || self.uses.iter().any(|used| (63..1700).contains(&age(used)))
    }
}
