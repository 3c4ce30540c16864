//! With the origin's answer: what it says about the session, and what the browser may see of it.
//!
//! Guarantees: nothing that is between origin and gate reaches the browser; the origin cannot set
//! our cookies; a response that carries an ID, or that a session was changed with, is kept by no
//! cache; a new ID is never put on a response that a cache could give to others.

use super::control;
use super::passage::{Context, call};
use super::{Pending, Turn};
use crate::cookie::SetCookie;
use crate::event::{Event, What};
use crate::path::Access;
use crate::site::Site;
use crate::store::Command;
use crate::time::Time;
use crate::verdict::{Edits, Outcome, ResponseFacts};

/// Looks at the origin's response.
pub fn respond(
    site: &Site,
    context: &Context,
    response: &ResponseFacts,
    now: Time,
    events: &mut Vec<Event>,
) -> Turn {
    if let Some(message) = &response.control {
        return control::begin(site, context, response, message, now, events);
    }
    if let Some((id, candidate)) = &context.successor
        && response.status != 101
        && !is_publicly_cacheable(response)
    {
        let command = Command::Succeed { candidate: candidate.clone() };
        let call = call(site, id.locator, None, command).stamped_by(context.presented.as_ref());
        return Turn::Ask(Box::new(call), Box::new(Pending::Succeeding(id.clone())));
    }
    Turn::Done(Outcome::Pass(edits(site, context, response, Vec::new(), events)))
}

/// The differences between the origin's response and the browser's, with these cookies added.
pub(super) fn edits(
    site: &Site,
    context: &Context,
    response: &ResponseFacts,
    cookies: Vec<SetCookie>,
    events: &mut Vec<Event>,
) -> Edits {
    let mut edits = Edits { cookies, ..Edits::default() };
    edits.append.extend(context.timing.map(|timing| ("server-timing", timing)));
    edits.remove.extend(response.internal.iter().cloned());
    if response.set_cookies.iter().any(|text| site.config.cookie.is_shadowed_by(text)) {
        events.push(Event::new(What::CookieShadowed).at(context.rule.as_deref()));
        let kept = response.set_cookies.iter();
        edits.kept_cookies =
            Some(kept.filter(|text| !site.config.cookie.is_shadowed_by(text)).cloned().collect());
    }
    let concerns_session = !edits.cookies.is_empty() || response.control.is_some();
    let says_nothing = !response.cache_control.as_deref().is_some_and(is_about_keeping);
    if concerns_session || (says_nothing && context.access == Access::Required) {
        edits.remove.extend(response.for_shared_caches.iter().cloned());
        edits.set.push(("cache-control", "private, no-store"));
    } else if says_nothing
        && response.cdn_cache_control.is_none()
        && context.session.is_some()
        && response.can_be_changed()
    {
        // Without a word of the origin, caches keep what looks old enough (RFC 9111 section 4.2.2).
        edits.set.push(("cache-control", "private, no-cache"));
    }
    edits
}

/// Whether a `Cache-Control` says who may keep the response, or for how long. What it says of single
/// fields or of transformations leaves that to each cache, as no header does.
fn is_about_keeping(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    header.split(',').map(str::trim).any(|directive| match directive.split_once('=') {
        None => matches!(directive, "public" | "private" | "no-store" | "no-cache"),
        Some((name, _)) => matches!(name, "max-age" | "s-maxage"),
    })
}

/// Whether a cache could give this response to others.
fn is_publicly_cacheable(response: &ResponseFacts) -> bool {
    let says = |header: &Option<String>, words: &[&str]| {
        header.as_deref().is_some_and(|header| {
            let header = header.to_ascii_lowercase();
            words.iter().any(|word| header.contains(word))
        })
    };
    let for_everyone = says(&response.cache_control, &["public", "s-maxage"]);
    let for_caches = response.cdn_cache_control.is_some()
        && !says(&response.cdn_cache_control, &["no-store", "private"]);
    for_everyone || for_caches
}
