//! How long sessions live: an idle deadline that activity moves, and an absolute one that nothing
//! moves later ([OWASP ASVS 5 V7](https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md),
//! 7.3.1 and 7.3.2; [NIST SP 800-63B](https://pages.nist.gov/800-63-4/sp800-63b.html)).
//!
//! Guarantees: the idle deadline is never after the absolute one; the absolute deadline is fixed
//! when the session is created and an operation can only bring it nearer; a shorter configuration
//! counts for sessions that already live, a longer one for those that begin under it.

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

/// How many idle times after its end a session is cleared away, and how long after that at most. Use
/// moves the end meanwhile, so the object of a session in use is rarely woken.
const DEAD_FOR: u64 = 24;
const LONGEST_DEAD: Span = Span::from_secs(12 * 3600);

/// The configured lengths of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetimes {
    /// Idle time of a session with a subject.
    pub idle: Span,
    /// Idle time of a session without one.
    pub anonymous: Span,
    /// Life of a session, whatever happens.
    pub absolute: Span,
    /// Life, and idle time, of a session created with `remember`.
    pub remember: Span,
    /// Activity is written down at most this often.
    pub touch: Span,
}

/// What kind of session it is, as far as its life is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Without a subject.
    Anonymous,
    /// With a subject.
    SignedIn,
    /// Meant to outlast the browser.
    Remembered,
}

impl Kind {
    /// The kind that follows from what a session is.
    #[must_use]
    pub const fn of(signed_in: bool, remember: bool) -> Self {
        match (signed_in, remember) {
            (_, true) => Self::Remembered,
            (true, false) => Self::SignedIn,
            (false, false) => Self::Anonymous,
        }
    }
}

impl Lifetimes {
    const fn idle_of(&self, kind: Kind) -> Span {
        match kind {
            Kind::Anonymous => self.anonymous,
            Kind::SignedIn => self.idle,
            Kind::Remembered => self.remember,
        }
    }

    const fn absolute_of(&self, kind: Kind) -> Span {
        match kind {
            Kind::Anonymous | Kind::SignedIn => self.absolute,
            Kind::Remembered => self.remember,
        }
    }
}

/// The part of a session that its life depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// When it began.
    pub created: Time,
    /// When it was last known to be used.
    pub touched: Time,
    /// When it ends, whatever happens: a whole second, so that cookie and store agree.
    absolute: Time,
    /// The idle time that it was given: the configured one of that time, or a shorter one that the
    /// origin chose. What a later configuration gives beyond that is for sessions to come: nothing
    /// that has ended comes back. Records of before may lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle: Option<Span>,
    /// Whether it is meant to outlast the browser.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub remember: bool,
}

/// When a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Without further activity; never after `absolute`.
    pub idle: Time,
    /// Whatever happens.
    pub absolute: Time,
    /// How old the last recorded activity may be before it is recorded again.
    pub touch: Span,
    /// When what is left of it is worth being cleared away.
    pub cleared: Time,
}

/// Lengths of life that an origin asks for: they only ever shorten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shorter {
    /// Idle time from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Span>,
    /// Absolute deadline, counted from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absolute: Option<Span>,
}

impl Life {
    /// The life of a session that begins now.
    #[must_use]
    pub fn begin(
        lifetimes: &Lifetimes,
        signed_in: bool,
        remember: bool,
        shorter: Shorter,
        now: Time,
    ) -> Self {
        let kind = Kind::of(signed_in, remember);
        let absolute = whole_second(now.plus(lifetimes.absolute_of(kind)));
        let idle = Some(lifetimes.idle_of(kind));
        let mut life = Self { created: now, touched: now, absolute, idle, remember };
        life.shorten(lifetimes, signed_in, shorter, now);
        life
    }

    /// Shortens the life; a longer wish changes nothing beyond what is configured.
    pub fn shorten(&mut self, lifetimes: &Lifetimes, signed_in: bool, shorter: Shorter, now: Time) {
        if let Some(wish) = shorter.idle {
            let idle = wish.min(lifetimes.idle_of(Kind::of(signed_in, self.remember)));
            // It counts from now, and not from the last activity that was written down. But the wish
            // is no activity of the user: it does not move the end further.
            let ends = self.deadlines(lifetimes, signed_in).idle;
            self.touched = self.touched.max(now.min(ends.minus(idle)));
            self.idle = Some(idle);
        }
        if let Some(absolute) = shorter.absolute {
            self.absolute = self.absolute.min(whole_second(now.plus(absolute)));
        }
    }

    /// Notes that it was in use so long ago.
    pub fn used(&mut self, ago: Option<Span>, now: Time) {
        if let Some(ago) = ago {
            self.touched = self.touched.max(now.minus(ago));
        }
    }

    /// When the session ends at the latest, under any configuration.
    #[must_use]
    pub const fn latest_end(&self) -> Time {
        self.absolute
    }

    /// When it would end at the latest, had nobody made its life shorter.
    #[must_use]
    pub fn longest_end(&self, lifetimes: &Lifetimes, signed_in: bool) -> Time {
        self.absolute.max(self.configured_end(lifetimes, signed_in))
    }

    fn configured_end(&self, lifetimes: &Lifetimes, signed_in: bool) -> Time {
        let kind = Kind::of(signed_in, self.remember);
        whole_second(self.created.plus(lifetimes.absolute_of(kind)))
    }

    /// When the session ends, under the configuration that is in force now.
    #[must_use]
    pub fn deadlines(&self, lifetimes: &Lifetimes, signed_in: bool) -> Deadlines {
        let kind = Kind::of(signed_in, self.remember);
        let absolute = self.absolute.min(self.configured_end(lifetimes, signed_in));
        let longest = lifetimes.idle_of(kind);
        let idle = self.idle.map_or(longest, |idle| idle.min(longest));
        let ends = self.touched.plus(idle).min(absolute);
        Deadlines {
            idle: ends,
            absolute,
            // Use moves the idle deadline, and each waking before the end costs a write.
            cleared: ends.plus(idle.times(DEAD_FOR).min(LONGEST_DEAD)).min(absolute),
            // A short idle time needs its activity written more often, or use would not extend it.
            touch: lifetimes.touch.min(idle.quarter()),
        }
    }
}

impl Deadlines {
    /// Whether the session is over.
    #[must_use]
    pub fn are_over(&self, now: Time) -> bool {
        now >= self.idle
    }
}

fn whole_second(time: Time) -> Time {
    Time::from_secs(time.secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time::from_secs(1_700_000_000);

    fn lifetimes() -> Lifetimes {
        Lifetimes {
            idle: Span::from_secs(1800),
            anonymous: Span::from_secs(900),
            absolute: Span::from_secs(43_200),
            remember: Span::from_secs(2_592_000),
            touch: Span::from_secs(60),
        }
    }

    fn begun(signed_in: bool, remember: bool, shorter: Shorter) -> Deadlines {
        let life = Life::begin(&lifetimes(), signed_in, remember, shorter, NOW);
        life.deadlines(&lifetimes(), signed_in)
    }

    #[test]
    fn each_kind_of_session_has_its_configured_life() {
        let at = |seconds| NOW.plus(Span::from_secs(seconds));
        assert_eq!(begun(true, false, Shorter::default()).idle, at(1800));
        assert_eq!(begun(false, false, Shorter::default()).idle, at(900));
        assert_eq!(begun(true, false, Shorter::default()).absolute, at(43_200));
        let remembered = begun(true, true, Shorter::default());
        assert_eq!((remembered.idle, remembered.absolute), (at(2_592_000), at(2_592_000)));
    }

    #[test]
    fn a_longer_wish_counts_as_the_configured_length() {
        let longer = Shorter {
            idle: Some(Span::from_secs(99_999_999)),
            absolute: Some(Span::from_millis(u64::MAX)),
        };
        assert_eq!(begun(true, false, longer), begun(true, false, Shorter::default()));
    }

    #[test]
    fn an_idle_time_that_an_origin_chooses_counts_from_now() {
        let mut life = Life::begin(&lifetimes(), true, false, Shorter::default(), NOW);
        let now = NOW.plus(Span::from_secs(50));
        let shorter = Shorter { idle: Some(Span::from_secs(30)), absolute: None };
        life.shorten(&lifetimes(), true, shorter, now);
        let deadlines = life.deadlines(&lifetimes(), true);
        assert_eq!(deadlines.idle, now.plus(Span::from_secs(30)));
    }

    #[test]
    fn a_wish_of_an_origin_is_no_activity() {
        for (idle, ends) in [(30, 1730), (100, 1800), (1800, 1800), (99_999, 1800)] {
            let mut life = Life::begin(&lifetimes(), true, false, Shorter::default(), NOW);
            let shorter = Shorter { idle: Some(Span::from_secs(idle)), absolute: None };
            life.shorten(&lifetimes(), true, shorter, NOW.plus(Span::from_secs(1700)));
            let deadlines = life.deadlines(&lifetimes(), true);
            assert_eq!(deadlines.idle, NOW.plus(Span::from_secs(ends)), "{idle}");
        }
    }

    #[test]
    fn a_wish_beyond_what_is_configured_is_forgotten() {
        let mut life = Life::begin(&lifetimes(), true, false, Shorter::default(), NOW);
        let shorter = Shorter { idle: Some(Span::from_secs(99_999)), absolute: None };
        life.shorten(&lifetimes(), true, shorter, NOW);
        let longer = Lifetimes { idle: Span::from_secs(9999), ..lifetimes() };
        assert_eq!(life.deadlines(&longer, true).idle, NOW.plus(Span::from_secs(1800)));
    }

    #[test]
    fn a_short_idle_time_is_touched_more_often() {
        let shorter = Shorter { idle: Some(Span::from_secs(4)), absolute: None };
        assert_eq!(begun(true, false, shorter).touch, Span::from_secs(1));
    }

    #[test]
    fn a_shorter_configuration_counts_for_sessions_that_already_live() {
        let life = Life::begin(&lifetimes(), true, false, Shorter::default(), NOW);
        let shorter = Lifetimes { absolute: Span::from_secs(600), ..lifetimes() };
        assert_eq!(life.deadlines(&shorter, true).idle, NOW.plus(Span::from_secs(600)));
        let shorter = Lifetimes { idle: Span::from_secs(60), ..lifetimes() };
        assert_eq!(life.deadlines(&shorter, true).idle, NOW.plus(Span::from_secs(60)));
        let longer = Lifetimes { absolute: Span::from_secs(99_999), ..lifetimes() };
        assert_eq!(life.deadlines(&longer, true).absolute, NOW.plus(Span::from_secs(43_200)));
    }

    #[test]
    fn a_session_is_over_at_its_deadline_and_not_a_moment_later() {
        let deadlines = begun(true, false, Shorter::default());
        assert!(!deadlines.are_over(Time::from_millis(deadlines.idle.millis() - 1)));
        assert!(deadlines.are_over(deadlines.idle));
    }

    proptest! {
        #[test]
        fn no_wish_moves_a_deadline_beyond_the_absolute_one(
            steps in proptest::collection::vec((0_u64..50_000_000, proptest::option::of(1_u64..10_000_000), proptest::option::of(1_u64..10_000_000)), 0..12)
        ) {
            let mut life = Life::begin(&lifetimes(), true, false, Shorter::default(), NOW);
            let mut earliest = life.deadlines(&lifetimes(), true).absolute;
            let mut now = NOW;
            for (passed, idle, absolute) in steps {
                now = now.plus(Span::from_millis(passed));
                life.touched = now;
                life.shorten(&lifetimes(), true, Shorter { idle: idle.map(Span::from_secs), absolute: absolute.map(Span::from_secs) }, now);
                let deadlines = life.deadlines(&lifetimes(), true);
                prop_assert!(deadlines.idle <= deadlines.absolute);
                prop_assert!(deadlines.absolute <= earliest);
                earliest = deadlines.absolute;
            }
        }
    }
}
