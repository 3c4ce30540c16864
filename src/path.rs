//! Path rules: which paths need a session, which may have one, which never do.
//!
//! Guarantees: no path that an origin could read as a protected one is treated as weaker than
//! `required`. Whatever servers are known to read in two ways (empty segments, path parameters,
//! encoded letters, slashes and dots, control characters, bytes that are not UTF-8) makes a path
//! *not plain*, and what is not plain is `required`, whatever the rules say. Rules that protect
//! ignore letter case; rules that weaken do not. See CVE-2025-47910 for what happens otherwise.

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
    /// The rule as it was written, for logs; nothing when none matched.
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
        let path = if access == Access::Required { folded(path) } else { path.to_owned() };
        let pattern = if below { Pattern::Below(path) } else { Pattern::Exact(path) };
        Ok(Self { text: text.to_owned(), pattern, access, activity, freshness: None })
    }

    /// Whether no path is left for `later` to decide over, or none but other spellings of this
    /// rule's own.
    #[must_use]
    pub fn hides(&self, later: &Self) -> bool {
        let is_same = folded(&self.text) == folded(&later.text);
        let path = match &later.pattern {
            Pattern::Exact(path) | Pattern::Below(path) => path,
        };
        let covers = match (self.access, later.access) {
            // Letter case may tell them apart.
            (Access::Public | Access::Optional, Access::Required) => false,
            (Access::Required, _) => self.pattern.covers(&folded(path)),
            _ => self.pattern.covers(path),
        };
        is_same || covers
    }

    /// Whether it is about paths that are the gate's own.
    #[must_use]
    pub fn is_below(&self, name: &str) -> bool {
        may_be_below(&self.text, name)
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
    /// Whether this is what servers could read as the same path, folded: many ignore a slash at the
    /// end.
    fn protects(&self, path: &str) -> bool {
        let bare = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
        // Some decode first and look for a query then: an escaped one hides nothing.
        let without_query = path.split(['?', '#']).next().unwrap_or_default();
        [path, without_query].into_iter().any(|path| match self {
            Self::Exact(exact) => bare(exact) == bare(path),
            Self::Below(_) => self.matches(path),
        })
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
    rules
        .iter()
        .find(|rule| match rule.access {
            Access::Required => rule.pattern.protects(&folded),
            Access::Optional | Access::Public => rule.pattern.matches(path),
        })
        .map_or(Matched::without_rule(default), |rule| Matched {
            access: rule.access,
            activity: rule.activity,
            freshness: rule.freshness,
            rule: Some(&rule.text),
        })
}

/// Whether some server could take a path for one below `/NAME`, `name` being in lower case:
/// whatever letter case, escapes, path parameters and empty segments it is spelled with.
#[must_use]
pub fn may_be_below(path: &str, name: &str) -> bool {
    // Nearly every path begins with a letter or digit that the name does not begin with.
    let first = path.as_bytes().get(1);
    if first.is_some_and(u8::is_ascii_alphanumeric) && first != name.as_bytes().first() {
        return false;
    }
    let folded = folded(path);
    let mut segments = folded.split(['/', '\\']).map(|segment| segment.split(';').next());
    segments.find_map(|segment| segment.filter(|text| !matches!(*text, "" | "."))) == Some(name)
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
    String::from_utf8(decoded)
        .is_ok_and(|text| text.chars().all(|character| !character.is_control() && character != ';'))
}

/// The path as a server that ignores letter case would compare it. Some compare in lower case and
/// some in upper case, so letters that are equal in either are equal here (`s` and the long `s`,
/// and the Turkish dotted capital, which in lower case has its dot as a character of its own).
fn folded(path: &str) -> String {
    let decoded = decode(path, |_| false).unwrap_or_default();
    let text = String::from_utf8_lossy(&decoded);
    let lower = text.chars().flat_map(char::to_lowercase);
    let folded = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.filter(|character| *character != DOT_ABOVE).collect()
}

/// The bytes of a path with its escapes resolved; nothing when an escape is none, or stands for a
/// byte that is `needless` to escape, or a raw byte is none that URLs consist of.
fn decode(path: &str, needless: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
            let byte = u8::try_from((high << 4) | low).ok()?;
            if needless(byte) {
                return None;
            }
            decoded.push(byte);
        } else if byte.is_ascii_graphic() && byte != b'\\' {
            decoded.push(byte);
        } else {
            return None;
        }
    }
    Some(decoded)
}

/// Whether a path is spelled as the URL Standard serialises paths, so that it can match one.
#[must_use]
pub fn is_forwarded_form(path: &str) -> bool {
    path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"#<>?^`{}\\".contains(&byte))
        && !path.split('/').any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(list: &[(&str, Access)]) -> Vec<Rule> {
        list.iter().map(|(path, access)| Rule::parse(path, *access, true).unwrap()).collect()
    }

    fn access(list: &[(&str, Access)], path: &str) -> Access {
        decide(&rules(list), Access::Optional, path).access
    }

    #[test]
    fn a_prefix_matches_what_is_below_it_and_itself_without_the_slash() {
        let list = [("/admin/*", Access::Required)];
        for path in ["/admin", "/admin/", "/admin/x", "/admin/x/y"] {
            assert_eq!(access(&list, path), Access::Required, "{path}");
        }
        for path in ["/administrator", "/adm", "/", "/x/admin"] {
            assert_eq!(access(&list, path), Access::Optional, "{path}");
        }
    }

    #[test]
    fn an_exact_rule_matches_one_path_only() {
        let list = [("/health", Access::Public)];
        assert_eq!(access(&list, "/health"), Access::Public);
        for path in ["/health/", "/healthz", "/health/x"] {
            assert_eq!(access(&list, path), Access::Optional, "{path}");
        }
    }

    #[test]
    fn an_exact_rule_that_protects_covers_the_slash_that_many_servers_ignore() {
        let list = [("/admin", Access::Required), ("/vault/", Access::Required)];
        for path in ["/admin", "/admin/", "/ADMIN/", "/vault", "/vault/"] {
            assert_eq!(access(&list, path), Access::Required, "{path}");
        }
        for path in ["/admin/x", "/vault/x", "/"] {
            assert_eq!(access(&list, path), Access::Optional, "{path}");
        }
    }

    #[test]
    fn the_first_match_wins() {
        let list = [("/a/b", Access::Public), ("/a/*", Access::Required)];
        assert_eq!(access(&list, "/a/b"), Access::Public);
        assert_eq!(access(&list, "/a/c"), Access::Required);
    }

    #[test]
    fn protecting_rules_ignore_letter_case_and_weaker_ones_do_not() {
        let list = [
            ("/Admin/*", Access::Required),
            ("/caf%C3%89", Access::Required),
            ("/open/*", Access::Public),
        ];
        for path in ["/admin/x", "/ADMIN", "/aDmIn/", "/caf%c3%a9", "/CAF%C3%A9"] {
            assert_eq!(access(&list, path), Access::Required, "{path}");
        }
        assert_eq!(access(&list, "/open/x"), Access::Public);
        assert_eq!(access(&list, "/OPEN/x"), Access::Optional);
    }

    #[test]
    fn no_path_that_servers_read_in_two_ways_is_weaker_than_required() {
        let list = [("/*", Access::Public)];
        for path in [
            "//",
            "//admin",
            "/a//b",
            "/a;b",
            "/a;/b",
            "/a%3bb",
            "/a%3B",
            "/%61dmin",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5C",
            "/%2e%2e/x",
            "/%2E",
            "/a%25b",
            "/a%252f",
            "/a%00",
            "/a%0a",
            "/a%1f",
            "/a%7f",
            "/a%c2%80",
            "/a%C2%9f",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%ff",
            "/a%c3",
            "/%41",
            "/%7e",
            "/%2d",
            "/%5f",
            "",
            "a",
            "/a\u{e9}",
            "/a\\b",
            "/a b",
            "/a\u{7f}",
        ] {
            assert_eq!(access(&list, path), Access::Required, "{path}");
        }
        for path in [
            "/",
            "/a",
            "/a/",
            "/a.b/c-d_e~f",
            "/caf%C3%A9",
            "/a%20b",
            "/a|b",
            "/a'b",
            "/a[1]",
            "/a:b@c",
            "/a,b",
        ] {
            assert_eq!(access(&list, path), Access::Public, "{path}");
        }
    }

    #[test]
    fn rules_that_could_never_match_are_refused() {
        for path in [
            "", "a", "*", "/a*", "/*/b", "/a/**", "/a//b", "/a;b", "/a b", "/é", "/a?b", "/a#b",
            "/a/../b", "/./a", "/%61", "/a\\b", "/{x}",
        ] {
            assert!(Rule::parse(path, Access::Public, true).is_err(), "{path}");
        }
    }

    #[test]
    fn a_rule_says_whether_it_counts_as_activity() {
        let rules = [Rule::parse("/poll", Access::Required, false).unwrap()];
        let matched = decide(&rules, Access::Optional, "/poll");
        assert_eq!((matched.activity, matched.rule), (false, Some("/poll")));
    }

    proptest! {
        // An origin that decodes once, drops parameters and merges slashes is as generous as they come.
        #[test]
        fn what_a_generous_origin_reads_as_protected_is_required(path in "/(a|A|d|m|i|n|/|;|%|2|f|F|6|1|5|c|e|\\.|0){0,14}") {
            let list = [("/admin/*", Access::Required), ("/*", Access::Public)];
            let decoded = String::from_utf8_lossy(&decode(&path, |_| false).unwrap_or_default()).to_lowercase();
            let without_parameters: Vec<&str> = decoded.split('/').map(|segment| segment.split(';').next().unwrap()).collect();
            let mut segments = Vec::new();
            for segment in without_parameters.iter().flat_map(|segment| segment.split('\\')) {
                match segment {
                    "" | "." => {}
                    ".." => { segments.pop(); }
                    _ => segments.push(segment),
                }
            }
            if segments.first() == Some(&"admin") {
                prop_assert_eq!(access(&list, &path), Access::Required);
            }
        }
    }
}
