//! With the store's answer: who is asking, and the request that the origin gets.
//!
//! Guarantees: a request goes out as somebody's only with a live session that every ending finds;
//! the origin never sees a session ID, a client-sent identity or routing header, or another path
//! than the one that was judged; a store that does not answer is a refusal with the cookie kept.

use super::no_session::{Lack, no_session};
use super::open::asked;
use super::passage::{Context, Loaded, Passage, Source};
use crate::assertion;
use crate::cookie::Forwarded;
use crate::error::Code;
use crate::event::{Event, Level, What};
use crate::locator::Locator;
use crate::memory::{Memory, Ticket, may_let_in};
use crate::path::Access;
use crate::request::Facts;
use crate::rotation::{Candidate, Derivation};
use crate::sid::Sid;
use crate::site::Site;
use crate::store::{Fault, Gone, Reply};
use crate::time::Time;
use crate::token::{IdHash, Secret, SessionId, Token};
use crate::verdict::{Answer, Outbound};
use crate::view::View;

/// A request to the origin, and what to keep until it is answered.
#[derive(Debug)]
pub struct Forward {
    /// The request.
    pub outbound: Outbound,
    /// What to keep.
    pub context: Context,
}

/// What comes of a request once its ID has been looked up.
#[derive(Debug)]
pub enum Resumed {
    /// It is answered here.
    Answer(Answer),
    /// It goes to the origin.
    Forward(Box<Forward>),
}

/// An answer of memory's that may be relied on.
#[derive(Debug)]
pub struct Recalled {
    /// The answer.
    pub reply: Reply,
    /// Whether the request's activity is to be written down all the same.
    pub touch: bool,
}

/// What memory says of a request's ID, where that may be relied on.
#[must_use]
pub fn recall(site: &Site, passage: &Passage, memory: &Memory, now: Time) -> Option<Recalled> {
    let token = passage.presented.as_ref()?;
    let reply = memory.recall(&token.hash, passage.fresh_for, passage.mark, now)?;
    let touch = match reply {
        Reply::Live(view) => {
            let answers = may_let_in(view, now) && successor(site, passage, view, now).is_none();
            // Whatever memory would refuse is asked of the store.
            let suffices = passage.access != Access::Required || view.subject.is_some();
            if !answers || !suffices {
                return None;
            }
            passage.slides() && now >= view.touch_due
        }
        _ => false,
    };
    Some(Recalled { reply: reply.clone(), touch })
}

/// Remembers what the store answered about an ID, but for a session that is kept in another place
/// than one that is made now would be: what memory says needs no second look.
pub fn remember(
    site: &Site,
    memory: &mut Memory,
    id: &IdHash,
    locator: Locator,
    ticket: Ticket,
    reply: &Reply,
) {
    match reply {
        Reply::Live(view) if !is_at_home(site, locator, view) => {}
        _ => memory.keep(id, locator, ticket, reply),
    }
}

/// Randomness for one request, drawn at once: a second draw would be a second call into the platform.
#[derive(Clone)]
pub struct Entropy {
    /// Names the request.
    pub jti: [u8; 16],
    /// Becomes the secret of a new session, should the origin ask for one.
    pub secret: [u8; 32],
}

impl core::fmt::Debug for Entropy {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Entropy(..)")
    }
}

/// Decides over a request whose ID was looked up.
#[must_use]
pub fn resume(
    site: &Site,
    passage: Passage,
    loaded: Loaded,
    now: Time,
    entropy: &Entropy,
    events: &mut Vec<Event>,
) -> Resumed {
    let source = loaded.source();
    let reply = match loaded {
        Loaded::Nothing => None,
        Loaded::FromMemory(reply) | Loaded::FromStore(Ok(reply)) => Some(reply),
        Loaded::FromStore(Err(fault)) => {
            return Resumed::Answer(store_unavailable(fault, events));
        }
    };
    let session = match reply {
        None => Err(Lack::NotPresented),
        Some(Reply::Gone(gone)) => {
            note(site, &passage.facts, &gone, events);
            Err(Lack::from(&gone))
        }
        // By our own clock, a moment has passed since the store looked.
        Some(Reply::Live(view)) if now >= view.idle => Err(Lack::Expired),
        // Made under another locator key: no ending of all of the subject's sessions would find it.
        Some(Reply::Live(view)) if !is_in_place(site, &passage, source, &view) => {
            Err(Lack::Misplaced)
        }
        Some(Reply::Live(view)) => Ok(view),
        Some(_) => return Resumed::Answer(store_unavailable(Fault::Unreadable, events)),
    };
    let lack = match &session {
        Ok(view) if view.subject.is_some() => None,
        Ok(_) => Some(Lack::Anonymous),
        Err(lack) => Some(*lack),
    };
    if let Some(lack) = lack
        && passage.access == Access::Required
        && !passage.excused
    {
        return Resumed::Answer(no_session(site, &passage, lack, events));
    }
    let session = session.ok();
    // Made for every request that goes through, so only where somebody reads it.
    if site.config.log_level >= Level::Debug {
        let event = Event::new(What::RequestAnswered).with("from", source.as_str());
        events.push(event.at(passage.rule.as_deref()));
    }
    // Nobody else's page learns whether somebody is known here.
    let is_own = matches!(passage.facts.fetch_site(), Some("same-origin" | "none"));
    let timing = (site.config.server_timing && is_own).then(|| source.server_timing());
    let jti = Sid::from_entropy(&entropy.jti);
    let outbound = outbound(site, &passage, session.as_deref(), &jti, now);
    let successor = session.as_ref().and_then(|view| successor(site, &passage, view, now));
    let context = Context {
        slid: passage.slides(),
        jti,
        access: passage.access,
        rule: passage.rule,
        presented: passage.presented,
        session,
        successor,
        received: passage.received,
        timing,
        spare: Secret::from_entropy(entropy.secret),
    };
    Resumed::Forward(Box::new(Forward { outbound, context }))
}

/// Whether the session of a request is kept where one that is made now would be. What memory says
/// needs no second look; see [`remember`].
fn is_in_place(site: &Site, passage: &Passage, source: Source, view: &View) -> bool {
    let is_at_home = |token: &Token| is_at_home(site, token.id.locator, view);
    source == Source::Memory || passage.presented.as_ref().is_some_and(is_at_home)
}

fn is_at_home(site: &Site, locator: Locator, view: &View) -> bool {
    let home = match &view.subject {
        Some(subject) => site.locator_key.of_subject(subject),
        None => site.locator_key.of_anonymous(&view.root),
    };
    locator == home
}

/// The answer when the store's is not to be had.
pub(super) fn store_unavailable(fault: Fault, events: &mut Vec<Event>) -> Answer {
    events.push(Event::store_fault(fault));
    Code::StoreUnavailable.problem().into()
}

fn note(site: &Site, facts: &Facts, gone: &Gone, events: &mut Vec<Event>) {
    if let Gone::Superseded { sid, reused: _, ended } = gone {
        let outcome = if *ended { "ended" } else { "refused" };
        let event = asked(site, facts, What::TokenReuse).of(&site.log_key, sid);
        events.push(event.with("outcome", outcome));
        if *ended {
            let event = Event::new(What::SessionEnded).of(&site.log_key, sid);
            events.push(event.with("reason", "token_reuse"));
        }
    }
}

/// The ID to offer with the response: a new one where rotation is due, or the one that has already
/// taken the presented one's place.
fn successor(
    site: &Site,
    passage: &Passage,
    view: &View,
    now: Time,
) -> Option<(SessionId, Candidate)> {
    let token = passage.presented.as_ref()?;
    if passage.facts.is_prefetch() {
        return None;
    }
    if let Some(succeeded) = &view.succeeded {
        return derive(site, token, succeeded.by.clone()?);
    }
    let every = site.config.rotation.every?;
    let age = now.since(view.issued);
    let is_due = (age >= every && passage.facts.is_top_level_navigation()) || age >= every.times(2);
    if !is_due {
        return None;
    }
    let by = Derivation { key: token.key.clone(), generation: view.generation.checked_add(1)? };
    derive(site, token, by)
}

/// The successor that follows from a presented ID in this way; `None` when the key is gone.
pub(super) fn derive(site: &Site, token: &Token, by: Derivation) -> Option<(SessionId, Candidate)> {
    let id = site.cookie_keys.successor(&token.id, &by.key, by.generation)?;
    let candidate = Candidate { from: token.hash, hash: id.hash(), by };
    Some((id, candidate))
}

fn outbound(
    site: &Site,
    passage: &Passage,
    session: Option<&View>,
    jti: &Sid,
    now: Time,
) -> Outbound {
    let (config, facts) = (&site.config, &passage.facts);
    let issuer = &config.issuer;
    let mut set = vec![
        ("x-forwarded-host", issuer.authority().to_owned()),
        ("x-forwarded-proto", issuer.scheme().to_owned()),
    ];
    // On loopback nobody but the client itself can have written the address.
    if let Some(ip) = facts.client_ip.as_ref().filter(|_| !issuer.is_loopback()) {
        set.push(("x-forwarded-for", ip.clone()));
    }
    let no_store = passage.access != Access::Public;
    if no_store && facts.cache_control.is_none() {
        // The platform would send `no-cache`, and some origins then never answer 304.
        set.push(("cache-control", "max-age=0".to_owned()));
    }
    Outbound {
        href: passage.target.moved_to(config.upstream_origin()),
        cookie: facts.cookie.as_deref().map_or(Forwarded::Keep, |header| {
            config.cookie.forwarded(header, session.map(|view| &view.sid))
        }),
        remove: facts.spoofable.clone(),
        set,
        assertion: assertion::state(&site.origin_keys, &site.terms(), jti, session, now),
        no_store,
    }
}
