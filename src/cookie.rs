//! The Cookie and Set-Cookie headers
//! ([RFC 6265bis](https://datatracker.ietf.org/doc/draft-ietf-httpbis-rfc6265bis/)).
//!
//! Guarantees:
//! - our cookies are found by their exact name only; only space and tab are trimmed and quotes mean
//!   nothing, so no second reading of the header can name another cookie;
//! - whatever looks like one of our cookies to a more generous parser is removed before the origin
//!   sees it, and every other cookie passes byte for byte;
//! - cookies are set and cleared with the same attributes, `__Host-` prefix, `Secure` and `HttpOnly`
//!   included (OWASP ASVS 5 3.3.1 to 3.3.4).

mod search;

use core::fmt;
use core::ops::Range;
use std::borrow::Cow;

use crate::mark::{Changed, Mark};
use crate::sid::Sid;
use crate::time::Span;
use crate::token::Sealed;

use search::Search;

/// How many cookies of our name are looked at. More are tossed by somebody.
const MOST_VALUES: usize = 8;

/// What the name of the cookie that says "just changed" ends in.
const FRESH: &str = "-fresh";

/// More cookies than a login and the redirects behind it set: its own two, and a rotation's.
const MOST_SET: usize = 4;

/// The `SameSite` attribute. `None` is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Sent with top-level navigations from other sites.
    Lax,
    /// Sent with nothing that comes from another site.
    Strict,
}

/// The names and attributes of the session cookie and of the one that says "just changed".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieNames {
    session: String,
    fresh: String,
    /// Finds what both begin with.
    search: Search,
    same_site: SameSite,
}

/// A Set-Cookie header's value. It may hold a session ID and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie(String);

impl SetCookie {
    /// The value, for the response and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SetCookie(..)")
    }
}

/// What a Cookie header holds for the gate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found<'header> {
    /// The first values under the session cookie's name, in order.
    pub values: Vec<&'header str>,
    /// Whether the name occurs at all, in any place.
    pub presented: bool,
    /// What this browser has just changed.
    pub changed: Changed,
}

/// What becomes of the Cookie header on its way to the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// It goes out untouched.
    Keep,
    /// It goes out as this text.
    Replace(String),
    /// Nothing is left of it.
    Remove,
}

/// What taking our cookies out of a part of the header leaves.
enum Stripped {
    /// There was none in it.
    Whole,
    /// Something else.
    Part(String),
    /// Nothing.
    Nothing,
}

/// A part of the header between two separators, and whether it may be believed.
struct Piece<'header> {
    text: &'header str,
    /// Behind a comma: from another header line, or somebody's idea of one.
    behind_comma: bool,
}

impl<'header> Piece<'header> {
    fn name(&self) -> &'header str {
        self.text.split_once('=').map_or("", |(name, _)| name.trim_matches([' ', '\t']))
    }

    fn value(&self) -> &'header str {
        self.text.split_once('=').map_or("", |(_, value)| value.trim_matches([' ', '\t']))
    }

    /// The name that a parser with a wider idea of white space would read.
    fn generous_name(&self) -> &'header str {
        let text = self.text.trim_start_matches(|c| c == '=' || is_blank(c));
        text.split('=').next().unwrap_or_default().trim_end_matches(is_blank)
    }
}

fn is_blank(character: char) -> bool {
    // The last three count as blank in some parsers (byte order mark, zero width space), or stand for
    // a byte that is no UTF-8 and does: Node.js and WSGI read `\xa0` as the no-break space of Latin-1.
    character.is_whitespace()
        || character.is_control()
        || "\u{feff}\u{200b}\u{fffd}".contains(character)
}

/// Whether a character may stand in a cookie's name (a token of RFC 9110).
fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

/// The place behind a cookie's name and the sign after it, where its value begins.
fn place_of_value(pair: &str) -> Option<usize> {
    let (name, _) = pair.split_once('=')?;
    let bare = name.trim_matches([' ', '\t']);
    let is_name = !bare.is_empty() && bare.chars().all(is_of_name);
    is_name.then(|| name.len().saturating_add(1))
}

fn pieces(segment: &str) -> impl Iterator<Item = Piece<'_>> {
    segment.split(',').enumerate().map(|(place, text)| Piece { text, behind_comma: place > 0 })
}

impl CookieNames {
    /// The names that follow from the session cookie's.
    #[must_use]
    pub fn new(session: &str, same_site: SameSite) -> Self {
        Self {
            session: session.to_owned(),
            fresh: format!("{session}{FRESH}"),
            search: Search::new(session),
            same_site,
        }
    }

    /// The session cookie's name.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Looks our cookies up in a Cookie header.
    #[must_use]
    pub fn find<'header>(&self, header: &'header str) -> Found<'header> {
        let mut found = Found::default();
        let segments = self.search.segments(header).filter_map(|range| header.get(range));
        for piece in segments.flat_map(pieces) {
            let name = piece.name();
            if name == self.session {
                found.presented = true;
                if !piece.behind_comma && found.values.len() < MOST_VALUES {
                    found.values.push(piece.value());
                }
            } else if name == self.fresh {
                found.changed = found.changed.and(piece.value());
            }
        }
        found
    }

    /// The Cookie header that the origin receives: the session's public handle in the place of the
    /// session cookie's value, or no cookie of ours at all.
    #[must_use]
    pub fn forwarded(&self, header: &str, sid: Option<&Sid>) -> Forwarded {
        // Most cookies are others': only where our name stands is a closer look taken.
        let mut sid = sid;
        let mut changed = false;
        let mut left = String::with_capacity(header.len());
        let mut from = 0;
        for range in self.search.segments(header) {
            let Range { start, end } = range.clone();
            let replacement =
                match self.without_ours(header.get(range).unwrap_or_default(), &mut sid) {
                    Stripped::Whole => continue,
                    Stripped::Part(text) => Some(text),
                    Stripped::Nothing => None,
                };
            changed = true;
            let before = header.get(from..start).unwrap_or_default();
            left.push_str(before);
            from = end;
            match replacement {
                Some(text) => left.push_str(&text),
                // Its separator goes along: the one before it, or the one after where it was first.
                None if left.ends_with(';') => {
                    left.pop();
                }
                None => from = from.saturating_add(1),
            }
        }
        if !changed {
            return Forwarded::Keep;
        }
        left.push_str(header.get(from..).unwrap_or_default());
        match left.trim_matches([' ', '\t', ';']) {
            "" => Forwarded::Remove,
            _ => Forwarded::Replace(left.trim_start_matches([' ', '\t']).to_owned()),
        }
    }

    /// What is left of a segment; the handle takes the place of our cookie once.
    fn without_ours(&self, segment: &str, sid: &mut Option<&Sid>) -> Stripped {
        let mut kept: Vec<Cow<'_, str>> = Vec::new();
        let mut changed = false;
        for piece in pieces(segment) {
            if !self.is_ours(piece.generous_name()) && !self.is_hidden_in(piece.text) {
                kept.push(Cow::Borrowed(piece.text));
                continue;
            }
            changed = true;
            let replaces = piece.name() == self.session && !piece.behind_comma;
            if let Some(sid) = sid.take_if(|_| replaces) {
                kept.push(Cow::Owned(format!(" {}={}", self.session, sid.as_str())));
            }
        }
        match (changed, kept.is_empty()) {
            (false, _) => Stripped::Whole,
            (true, true) => Stripped::Nothing,
            (true, false) => Stripped::Part(kept.join(",")),
        }
    }

    /// Whether an origin's Set-Cookie is for one of our cookies, however a browser might read it.
    #[must_use]
    pub fn is_shadowed_by(&self, set_cookie: &str) -> bool {
        let pair = set_cookie.split(';').next().unwrap_or_default();
        self.is_ours(Piece { text: pair, behind_comma: false }.generous_name())
    }

    /// The session cookie, for as long as the browser runs or, with `lasts`, beyond that.
    #[must_use]
    pub fn set(&self, value: &Sealed, lasts: Option<Span>) -> SetCookie {
        let lasts = lasts.map_or_else(String::new, |lasts| format!("; Max-Age={}", lasts.secs()));
        SetCookie(format!("{}={}{}{lasts}", self.session, value.expose(), self.attributes()))
    }

    /// The session cookie, cleared, for a browser that leaves.
    ///
    /// Chromium keeps copies of `no-store` pages for its back button, and throws one away when
    /// `HttpOnly` cookies change more often afterwards than the navigation that led to the page had
    /// changed them. The other cookie is set as often as it takes to outnumber a login's.
    #[must_use]
    pub fn clear(&self) -> Vec<SetCookie> {
        let cleared = format!("{}={}; Max-Age=0", self.session, self.attributes());
        let changes = (1..=MOST_SET)
            .map(|change| format!("{}={change}{}; Max-Age=1", self.fresh, self.attributes()));
        core::iter::once(cleared).chain(changes).map(SetCookie).collect()
    }

    /// The cookie that keeps this browser from reading what it has just replaced.
    #[must_use]
    pub fn mark_fresh(&self, mark: Mark, window: Span) -> SetCookie {
        let window = window.secs_up();
        SetCookie(format!(
            "{}={}{}; Max-Age={window}",
            self.fresh,
            mark.to_text(),
            self.attributes()
        ))
    }

    fn attributes(&self) -> &'static str {
        match self.same_site {
            SameSite::Lax => "; Path=/; Secure; HttpOnly; SameSite=Lax",
            SameSite::Strict => "; Path=/; Secure; HttpOnly; SameSite=Strict",
        }
    }

    /// Whether a name of ours stands where only a parser that ends a cookie at white space or a quote
    /// would begin to read one.
    fn is_hidden_in(&self, text: &str) -> bool {
        // Found once: our name may stand in it thousands of times.
        let value_begins = place_of_value(text);
        let mut from = 0;
        while let Some(place) = self.search.find(text, from) {
            from = place.saturating_add(self.session.len());
            let before = text.get(..place).unwrap_or_default();
            let is_first = before.trim_end_matches([' ', '\t']).is_empty();
            let begins_here = is_first || Some(before.len()) == value_begins;
            let after = text.get(from..).unwrap_or_default();
            let is_fresh =
                after.get(..FRESH.len()).is_some_and(|end| end.eq_ignore_ascii_case(FRESH));
            let after = if is_fresh { after.get(FRESH.len()..).unwrap_or_default() } else { after };
            let has_value = after.trim_start_matches(is_blank).starts_with('=');
            if has_value && !begins_here && !before.ends_with(is_of_name) {
                return true;
            }
        }
        false
    }

    fn is_ours(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.session) || name.eq_ignore_ascii_case(&self.fresh)
    }
}

#[cfg(test)]
mod tests;
