//! Path rules: which paths need a session, which may have one, which never do.
//!
//! Guarantees: no spelling in which a server could read a protected path is treated as weaker than
//! `required`. Whatever servers are known to read in two ways (empty segments, path parameters,
//! encoded letters, slashes and dots, control characters, bytes that are not UTF-8) makes a path
//! *not plain*, and what is not plain is `required`, whatever the rules say. Rules that protect
//! ignore letter case and the dots and spaces that Windows drops; rules that weaken do not. See
//! CVE-2025-47910 for what happens otherwise.

use std::borrow::Cow;

use crate::time::Span;

/// Below the directory of this name, everything is the gate's, in whatever spelling.
pub const RESERVED: &str = ".edge-session";

/// What a dotted capital I leaves behind in lower case.
const DOT_ABOVE: char = '\u{307}';

/// What a path asks of its visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No session in either direction.
    Public,
    /// With or without a session.
    Optional,
    /// A session with a subject.
    Required,
}

/// One rule: an exact path, or a prefix that ends in `/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    text: String,
    pattern: Pattern,
    access: Access,
    activity: bool,
    freshness: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// Everything below this prefix, which ends in a slash, and the prefix without the slash.
    Below(String),
}

/// What the rules say of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched<'rules> {
    /// What the path asks.
    pub access: Access,
    /// Whether requests to it count as the user's activity.
    pub activity: bool,
    /// How old an answer from memory may be, where the rule says so itself.
    pub freshness: Option<Span>,
    /// The rule as it was written, for logs; `None` when none matched.
    pub rule: Option<&'rules str>,
}

impl Matched<'_> {
    const fn without_rule(access: Access) -> Self {
        Self { access, activity: true, freshness: None, rule: None }
    }
}

impl Rule {
    /// Reads a rule's path.
    ///
    /// # Errors
    /// Says in words what is wrong with it.
    pub fn parse(text: &str, access: Access, activity: bool) -> Result<Self, &'static str> {
        let (path, below) = match text.strip_suffix('*') {
            Some(prefix) if prefix.ends_with('/') => (prefix, true),
            Some(_) => return Err("must end in \"/*\", or hold no \"*\""),
            None => (text, false),
        };
        if path.contains('*') {
            return Err("must end in \"/*\", or hold no \"*\"");
        }
        if !is_forwarded_form(path) {
            return Err("must begin with \"/\" and be written as browsers send it: \
                        percent-encoded, without query, fragment or dot segments");
        }
        if !is_plain(path) {
            return Err(
                "can never match: paths with empty segments, \";\", control characters or \
                        needless escapes are always required",
            );
        }
        let path = if access == Access::Required {
            undotted(&folded(path)).into_owned()
        } else {
            path.to_owned()
        };
        let pattern = if below { Pattern::Below(path) } else { Pattern::Exact(path) };
        Ok(Self { text: text.to_owned(), pattern, access, activity, freshness: None })
    }

    /// Whether no path is left for `later` to decide over, or none but other spellings of this
    /// rule's own.
    #[must_use]
    pub fn hides(&self, later: &Self) -> bool {
        // Only a rule that protects is about other spellings than its own.
        let is_same = later.access == Access::Required && folded(&self.text) == folded(&later.text);
        let path = later.text.trim_end_matches('*');
        let is_hidden = match (&later.pattern, self.access) {
            (Pattern::Exact(_), Access::Required) => {
                self.pattern.protects(&undotted(&folded(path)))
            }
            (Pattern::Below(_), Access::Required) => self.pattern.covers(&undotted(&folded(path))),
            // It leaves other spellings to one that protects, but not what that says.
            (Pattern::Exact(_), _) => self.pattern.matches(path),
            (Pattern::Below(_), _) => self.pattern.covers(path),
        };
        is_same || is_hidden
    }

    /// Whether it is about paths that are the gate's own.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        is_reserved(&self.text)
    }

    /// The rule's own word on how old an answer from memory may be.
    #[must_use]
    pub const fn freshness(&self) -> Option<Span> {
        self.freshness
    }

    /// The same rule with its own word on how old an answer from memory may be.
    #[must_use]
    pub fn with_freshness(self, freshness: Option<Span>) -> Self {
        Self { freshness, ..self }
    }
}

impl Pattern {
    /// Whether this is what servers could read as the same path, folded and undotted: many ignore a
    /// slash at the end.
    fn protects(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => without_slash(exact) == without_slash(path),
            Self::Below(_) => self.matches(path),
        }
    }

    /// Whether everything at and below this path is below here.
    fn covers(&self, path: &str) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Below(prefix) => path.starts_with(prefix.as_str()),
        }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Below(prefix) => {
                path.starts_with(prefix.as_str()) || prefix.strip_suffix('/') == Some(path)
            }
        }
    }
}

/// What the first matching rule says of a path, or the default when none matches.
#[must_use]
pub fn decide<'rules>(rules: &'rules [Rule], default: Access, path: &str) -> Matched<'rules> {
    if !is_plain(path) {
        return Matched::without_rule(Access::Required);
    }
    let folded = folded(path);
    // Some decode first and look for a query then: an escaped one hides nothing.
    let without_query = before_query(&folded);
    let has_query = without_query.len() < folded.len();
    let (whole, without_query) = (undotted(&folded), undotted(without_query));
    let protects = |pattern: &Pattern| {
        pattern.protects(&whole) || (has_query && pattern.protects(&without_query))
    };
    rules
        .iter()
        .find(|rule| match rule.access {
            Access::Required => protects(&rule.pattern),
            Access::Optional | Access::Public => rule.pattern.matches(path),
        })
        .map_or(Matched::without_rule(default), |rule| Matched {
            access: rule.access,
            activity: rule.activity,
            freshness: rule.freshness,
            rule: Some(&rule.text),
        })
}

/// Whether some server could take a path for one of the gate's own, whatever letter case, escapes,
/// path parameters and empty segments it is spelled with.
#[must_use]
pub fn is_reserved(path: &str) -> bool {
    // Nearly every path begins with a letter or digit, and the name does not. Only with an escape, or a
    // parameter behind dots (`/a/..;/`), does a server come back to the root from there.
    let begins_otherwise = path.as_bytes().get(1).is_some_and(u8::is_ascii_alphanumeric);
    if begins_otherwise && !path.contains(['%', ';']) {
        return false;
    }
    let folded = folded(path);
    let segments = before_query(&folded).split(['/', '\\']);
    let segments = segments.filter_map(|segment| segment.split(';').next());
    // Escaped dots are resolved by some, and left alone by others.
    let mut depth = 0_usize;
    for segment in segments.filter(|segment| !matches!(*segment, "" | ".")) {
        if depth == 0 && segment == RESERVED {
            return true;
        }
        depth = if segment == ".." { depth.saturating_sub(1) } else { depth.saturating_add(1) };
    }
    false
}

fn before_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

/// Whether every server reads this path in the same way.
#[must_use]
pub fn is_plain(path: &str) -> bool {
    let Some(below_root) = path.strip_prefix('/') else {
        return false;
    };
    let mut segments = below_root.split('/').rev();
    let _last = segments.next();
    if segments.any(str::is_empty) {
        return false;
    }
    let Some(decoded) =
        decode(path, |byte| byte.is_ascii_alphanumeric() || b"-._~/\\%".contains(&byte))
    else {
        return false;
    };
    str::from_utf8(&decoded).is_ok_and(|text| {
        text.chars().all(|character| !character.is_control() && character != ';')
            && !text.split('/').any(is_step)
    })
}

/// Whether some would take this segment for no name, but for a step to the same or the upper
/// directory: those who cut a query off after decoding, or drop spaces at the end.
fn is_step(segment: &str) -> bool {
    let name = before_query(segment);
    let bare = name.trim_end_matches(' ');
    matches!(bare, "." | "..") || (bare.is_empty() && !name.is_empty())
}

/// The path as a server that ignores letter case would compare it. Some compare in lower case and
/// some in upper case, so letters that are equal in either are equal here (`s` and the long `s`,
/// and the Turkish dotted capital, which in lower case has its dot as a character of its own).
fn folded(path: &str) -> Cow<'_, str> {
    let is_its_own_fold = |byte| is_of_urls(byte) && byte != b'%' && !byte.is_ascii_uppercase();
    if path.bytes().all(is_its_own_fold) {
        // As most paths are.
        return Cow::Borrowed(path);
    }
    let decoded = decode_leniently(path);
    let text = String::from_utf8_lossy(&decoded);
    let lower = text.chars().flat_map(char::to_lowercase);
    let folded = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    Cow::Owned(folded.filter(|character| *character != DOT_ABOVE).collect())
}

/// A folded path without the dots and spaces that Windows drops at the end of a name.
fn undotted(path: &str) -> Cow<'_, str> {
    let is_dropped = |character| matches!(character, '.' | ' ');
    if !path.split('/').any(|segment| segment.ends_with(is_dropped)) {
        return Cow::Borrowed(path);
    }
    let kept: Vec<&str> = path.split('/').map(|name| name.trim_end_matches(is_dropped)).collect();
    Cow::Owned(kept.join("/"))
}

/// The bytes of a path with its escapes resolved; `None` when an escape is malformed or stands for
/// a byte that is `needless` to escape, or when a raw byte cannot stand in a URL.
fn decode(path: &str, needless: impl Fn(u8) -> bool) -> Option<Cow<'_, [u8]>> {
    if !path.contains('%') {
        return path.bytes().all(is_of_urls).then_some(Cow::Borrowed(path.as_bytes()));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        if *byte == b'%' {
            let (byte, behind) = unescaped(rest)?;
            if needless(byte) {
                return None;
            }
            decoded.push(byte);
            rest = behind;
        } else if is_of_urls(*byte) {
            decoded.push(*byte);
            rest = behind;
        } else {
            return None;
        }
    }
    Some(Cow::Owned(decoded))
}

/// The same as many servers do it, which leave a malformed escape as it stands.
fn decode_leniently(path: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let (byte, behind) = unescaped(rest).unwrap_or((*byte, behind));
        decoded.push(byte);
        rest = behind;
    }
    decoded
}

/// The byte that the escape at the beginning stands for, and what is behind it; `None` where no
/// escape stands there.
fn unescaped(path: &[u8]) -> Option<(u8, &[u8])> {
    let ([b'%', high, low], behind) = path.split_first_chunk()? else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from((digit(*high)? << 4) | digit(*low)?).ok()?;
    Some((byte, behind))
}

/// Whether a path as the URL Standard serialises it can hold this byte.
const fn is_of_urls(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'\\'
}

/// Whether a path is spelled as the URL Standard serialises paths, so that it can match one.
#[must_use]
pub fn is_forwarded_form(path: &str) -> bool {
    path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#<>?^`{}\\".contains(&byte))
        && !path.split('/').any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests;
