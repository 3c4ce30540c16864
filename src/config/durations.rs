//! From the configuration's durations to lifetimes, rotation and freshness.
//!
//! Guarantees: a duration that was set is taken or refused, and never adjusted. Where one lifetime, or
//! one duration of rotation, is set alone, the defaults of the others give way: it contradicts none.

use super::section::Section;
use super::{Rotation, StoreKind};
use crate::lifetime::Lifetimes;
use crate::memory::Bounds;
use crate::rotation::Rules;
use crate::time::Span;

const SECOND: Span = Span::from_secs(1);
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

pub(super) fn store_deadline(root: &mut Section) -> Span {
    let deadline = root.span("store_deadline", SECOND, Some(Span::from_secs(30)));
    deadline.unwrap_or(Span::from_secs(2))
}

pub(super) fn assertion_ttl(mut table: Section) -> Span {
    let ttl = table.span("ttl", SECOND, Some(Span::from_secs(15 * MINUTE)));
    table.finish();
    ttl.unwrap_or(Span::from_secs(MINUTE))
}

pub(super) fn lifetimes(mut table: Section, store: StoreKind) -> Lifetimes {
    // KV keeps nothing for less.
    let shortest = match store {
        StoreKind::Durable => SECOND,
        StoreKind::Kv => Span::from_secs(MINUTE),
    };
    let mut span = |name| table.span(name, shortest, None);
    let (idle, anonymous, absolute) = (span("idle"), span("anonymous"), span("absolute"));
    let remember = span("remember");
    let touch = table.span("touch", SECOND, None);
    if let Some(absolute) = absolute {
        for (name, span) in [("idle", idle), ("anonymous", anonymous)] {
            if span.is_some_and(|span| span > absolute) {
                table.report(name, "must not be longer than lifetime.absolute");
            }
        }
    }
    if let (Some(touch), Some(idle)) = (touch, idle)
        && touch > idle
    {
        table.report("touch", "must not be longer than lifetime.idle");
    }
    table.finish();
    let half_hour = Span::from_secs(30 * MINUTE);
    let longest = [idle, anonymous].into_iter().flatten().max().unwrap_or_default();
    let absolute = absolute.unwrap_or(Span::from_secs(12 * HOUR).max(longest));
    Lifetimes {
        idle: idle.unwrap_or(half_hour.min(absolute)),
        anonymous: anonymous.unwrap_or(half_hour.min(absolute)),
        absolute,
        remember: remember.unwrap_or(Span::from_secs(30 * DAY).max(absolute)),
        touch: touch.unwrap_or(Span::from_secs(MINUTE)),
    }
}

pub(super) fn rotation(mut table: Section) -> Rotation {
    let every = table.span("every", Span::ZERO, None).unwrap_or(Span::from_secs(15 * MINUTE));
    let grace = table.span("grace", SECOND, None);
    let reuse_after = table.span("reuse_after", SECOND, None);
    let reuse_ends = table.choice("reuse", &[("end", true), ("refuse", false)]).unwrap_or(true);
    if let (Some(grace), Some(reuse_after)) = (grace, reuse_after)
        && grace > reuse_after
    {
        table.report("grace", "must not be longer than rotation.reuse_after");
    }
    table.finish();
    let reuse_after =
        reuse_after.unwrap_or(Span::from_secs(5 * MINUTE).max(grace.unwrap_or_default()));
    let grace = grace.unwrap_or(Span::from_secs(30).min(reuse_after));
    Rotation {
        every: (!every.is_zero()).then_some(every),
        rules: Rules { grace, reuse_after },
        reuse_ends,
    }
}

pub(super) fn freshness(mut table: Section, lifetimes: &Lifetimes) -> (Span, Bounds) {
    let safe = table.span("safe", Span::ZERO, None);
    let shortest = lifetimes.idle.min(lifetimes.anonymous);
    if safe.is_some_and(|safe| safe > shortest) {
        table.report("safe", "must not be longer than lifetime.idle and lifetime.anonymous");
    }
    let usual = Bounds::default();
    let bounds = Bounds {
        entries: table.number("entries", usual.entries, 1_000_000),
        bytes: table.number("bytes", usual.bytes, 64 * 1024 * 1024),
    };
    table.finish();
    (safe.unwrap_or(Span::from_secs(10).min(shortest)), bounds)
}
