//! At the door: everything that can be decided without asking anyone.
//!
//! Guarantees: a request for another site, a cross-site one (but for `csrf.insecure_report_only`) and
//! a forged cookie cost no store operation and never reach the origin as anyone's; no browser keeps a
//! refused form that it could send again as the site's own; what is reserved for the gate is never
//! forwarded.

use super::logout::{self, Leaving};
use super::no_session::{Lack, no_session};
use super::passage::Passage;
use crate::cookie::Found;
use crate::csrf::{CrossSite, Decision, Reason};
use crate::error::Code;
use crate::event::{Event, What};
use crate::mark::Changed;
use crate::path::{Access, RESERVED, is_reserved};
use crate::request::Facts;
use crate::site::Site;
use crate::target::Target;
use crate::time::{Span, Time};
use crate::token::Token;
use crate::verdict::Answer;

/// How logs name the rule that holds for the gate's own paths.
const RULE: &str = "/.edge-session";

/// Where a form of another site is led that could come back as the site's own; there it is told so.
const TURNED_AWAY: &str = "/.edge-session/cross-site";

/// What the gate takes from browsers and passes on.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// What comes of a request at the door.
#[derive(Debug)]
pub enum Opened {
    /// It is answered here.
    Answer(Answer),
    /// It goes on, and its ID has to be looked up.
    Load(Box<Passage>),
    /// It goes on without a session.
    Forward(Box<Passage>),
    /// It is a logout.
    Logout(Box<Leaving>),
    /// It brings an instruction by itself; the body has to be read.
    OutOfBand,
}

/// Looks at a request. `events` takes what is to be logged.
#[must_use]
pub fn open(site: &Site, facts: Facts, now: Time, events: &mut Vec<Event>) -> Opened {
    match admit(site, &facts) {
        Ok(target) if is_reserved(target.path()) => reserved(site, &facts, &target, now, events),
        Ok(target) => pass(site, facts, target, now, events),
        Err(Refused::Redirect(location)) => Opened::Answer(Answer::redirect(308, location)),
        Err(Refused::Code(code)) => {
            events.push(refused(site, &facts, code, None));
            let answer = Answer::from(code.problem());
            Opened::Answer(match code {
                Code::MethodNotAllowed => answer.with("allow", METHODS),
                _ => answer,
            })
        }
    }
}

enum Refused {
    Redirect(String),
    Code(Code),
}

/// The target of a request that is well formed and for this site.
fn admit(site: &Site, facts: &Facts) -> Result<Target, Refused> {
    let issuer = &site.config.issuer;
    let target = Target::parse(&facts.href).ok_or(Refused::Code(Code::Malformed))?;
    if matches!(facts.method.as_str(), "TRACE" | "TRACK" | "CONNECT") {
        return Err(Refused::Code(Code::MethodNotAllowed));
    }
    if facts.has_body_without_meaning() {
        return Err(Refused::Code(Code::Malformed));
    }
    if !target.is_at(issuer) || facts.host.as_deref() != Some(issuer.authority()) {
        return Err(Refused::Code(Code::WrongHost));
    }
    if issuer.scheme() == "https" && !target.is_https() {
        return Err(match facts.method.as_str() {
            "GET" | "HEAD" => Refused::Redirect(target.moved_to(issuer)),
            _ => Refused::Code(Code::HttpsRequired),
        });
    }
    Ok(target)
}

fn pass(site: &Site, facts: Facts, target: Target, now: Time, events: &mut Vec<Event>) -> Opened {
    let matched = site.config.rule(target.path());
    let (access, rule) = (matched.access, matched.rule.map(str::to_owned));
    let found = site.config.cookie.find(facts.cookie.as_deref().unwrap_or_default());
    let isolated = access != Access::Public;
    let decision = site.config.csrf.decide(
        &site.config.issuer,
        &facts,
        target.path(),
        found.presented,
        isolated,
    );
    if let Decision::Refuse(reason) = decision {
        let event = cross_site(site, &facts, reason, rule.as_deref());
        if !site.config.csrf_report_only {
            events.push(event);
            return Opened::Answer(turn_away(&facts));
        }
        events.push(event.with("mode", "report_only"));
    }
    // A preflight, or an exempt path: neither has a session, so none is asked of it.
    let excused = decision == Decision::PassWithoutSession;
    let is_anonymous = access == Access::Public || excused;
    let presented = if is_anonymous { None } else { presented(site, &facts, &found, now, events) };
    let passage = Box::new(Passage {
        // Only reads may be answered from memory. A browser that has just changed something must see
        // what it did: memory is good for it where it was asked for after that very change.
        fresh_for: if facts.is_read() && found.changed != Changed::Something {
            matched.freshness.unwrap_or(site.config.fresh_for)
        } else {
            Span::ZERO
        },
        mark: found.changed.mark(),
        target,
        access,
        excused,
        activity: matched.activity,
        rule,
        presented,
        received: now,
        facts,
    });
    match (&passage.presented, access == Access::Required && !excused) {
        (Some(_), _) => Opened::Load(passage),
        (None, true) => Opened::Answer(no_session(site, &passage, Lack::NotPresented, events)),
        (None, false) => Opened::Forward(passage),
    }
}

fn reserved(
    site: &Site,
    facts: &Facts,
    target: &Target,
    now: Time,
    events: &mut Vec<Event>,
) -> Opened {
    // Only the plain spelling names an endpoint.
    let path = target.path().strip_prefix('/').and_then(|path| path.strip_prefix(RESERVED));
    let endpoint = path.unwrap_or_default();
    let refuse = |code: Code, events: &mut Vec<Event>| {
        events.push(refused(site, facts, code, Some(RULE)));
        let answer = Answer::from(code.problem());
        Opened::Answer(match code {
            Code::MethodNotAllowed if endpoint == "/cross-site" => {
                answer.with("allow", "GET, HEAD")
            }
            Code::MethodNotAllowed => answer.with("allow", "POST"),
            _ => answer,
        })
    };
    match (endpoint, facts.method.as_str()) {
        ("/control", "POST") => Opened::OutOfBand,
        ("/logout", "POST") => {
            let found = site.config.cookie.find(facts.cookie.as_deref().unwrap_or_default());
            let (own, is_presented) = (&site.config.issuer, found.presented);
            if let Some(reason) = CrossSite::refusal_of_reserved(own, facts, is_presented) {
                events.push(cross_site(site, facts, reason, Some(RULE)));
                return Opened::Answer(turn_away(facts));
            }
            let mut tokens = opened(site, facts, &found, events);
            tokens.retain(|token| now < token.absolute);
            Opened::Logout(Box::new(logout::leave(tokens, facts.is_navigation())))
        }
        // Told in the log when it was turned away.
        ("/cross-site", "GET" | "HEAD") => Opened::Answer(Code::CrossSite.problem().into()),
        ("/control" | "/logout" | "/cross-site", _) => refuse(Code::MethodNotAllowed, events),
        _ => refuse(Code::NotFound, events),
    }
}

/// The ID that the cookies present: one that opens, and no second one beside it.
fn presented(
    site: &Site,
    facts: &Facts,
    found: &Found<'_>,
    now: Time,
    events: &mut Vec<Event>,
) -> Option<Token> {
    let mut tokens = opened(site, facts, found, events);
    if tokens.len() > 1 {
        events.push(asked(site, facts, What::TokenAmbiguous));
        return None;
    }
    tokens.pop().filter(|token| now < token.absolute)
}

/// The different IDs that the cookies present, as far as they open.
fn opened(site: &Site, facts: &Facts, found: &Found<'_>, events: &mut Vec<Event>) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for value in &found.values {
        match site.cookie_keys.open(value) {
            None => events.push(asked(site, facts, What::TokenForged)),
            Some(token) if tokens.iter().any(|other| other.hash == token.hash) => {}
            Some(token) => tokens.push(token),
        }
    }
    tokens
}

/// The refusal of a cross-site request. `WebKit` keeps a refused form in its history, and when it comes
/// back to it sends it again with `Sec-Fetch-Site: same-origin` and the cookies, whoever made it, where
/// a page of ours was shown meanwhile; a frame can be made to without the user. One that names another
/// origin is refused again; of one that names none nobody could tell, and a redirect leaves nothing to
/// come back to.
fn turn_away(facts: &Facts) -> Answer {
    let names_its_origin = facts.origin().is_some_and(|origin| origin != "null");
    let is_form = facts.method == "POST" && facts.fetch_site().is_some() && facts.is_navigation();
    if is_form && !names_its_origin {
        Answer::redirect(303, TURNED_AWAY.to_owned())
    } else {
        Code::CrossSite.problem().into()
    }
}

/// The event of a request that was turned away.
pub(super) fn refused(site: &Site, facts: &Facts, code: Code, rule: Option<&str>) -> Event {
    turned_away(site, facts, What::SessionRefused, code, rule)
}

fn cross_site(site: &Site, facts: &Facts, reason: Reason, rule: Option<&str>) -> Event {
    turned_away(site, facts, What::CsrfRefused, Code::CrossSite, rule)
        .with("reason", reason.as_str())
}

fn turned_away(site: &Site, facts: &Facts, what: What, code: Code, rule: Option<&str>) -> Event {
    asked(site, facts, what).with("code", code.as_str()).at(rule)
}

/// An event that a request gives rise to, with its sender's address where that is configured.
pub(super) fn asked(site: &Site, facts: &Facts, what: What) -> Event {
    Event::new(what).from_ip(facts.client_ip.as_deref().filter(|_| site.config.log_ip))
}
