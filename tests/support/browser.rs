//! A browser for tests: a cookie jar with the rules of `__Host-` cookies, and the requests that
//! pages make.

use std::collections::BTreeMap;

use edge_session::request::Facts;
use edge_session::time::{Span, Time};

pub const ISSUER: &str = "https://app.example.com";
pub const HOST: &str = "app.example.com";
pub const COOKIE: &str = "__Host-session";

/// A request before cookies are added. The target is a path and query, or a whole URL.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Ask {
    pub fn new(method: &str, target: &str) -> Self {
        let ask =
            Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new() };
        ask.with("Host", HOST)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
        self
    }

    /// What the platform tells of it: names in lower case, and the values of each joined.
    pub fn facts(&self) -> Facts {
        let is_path = self.target.starts_with('/');
        let href = format!("{}{}", if is_path { ISSUER } else { "" }, self.target);
        let mut facts = Facts { method: self.method.clone(), href, ..Facts::default() };
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, values) in by_name(headers) {
            facts.take(&name, &values.join(if name == "cookie" { "; " } else { ", " }));
        }
        facts
    }
}

/// The values of each header, under its name in lower case, as the platform tells names.
pub fn by_name<'a>(
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, Vec<&'a str>> {
    let mut named: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in headers {
        named.entry(name.to_ascii_lowercase()).or_default().push(value);
    }
    named
}

/// A page that a person opens.
pub fn page(target: &str) -> Ask {
    Ask::new("GET", target)
        .with("Sec-Fetch-Site", "same-origin")
        .with("Sec-Fetch-Mode", "navigate")
        .with("Sec-Fetch-Dest", "document")
        .with("Accept", "text/html")
}

/// A script's read on our own page.
pub fn read(target: &str) -> Ask {
    Ask::new("GET", target)
        .with("Sec-Fetch-Site", "same-origin")
        .with("Sec-Fetch-Mode", "cors")
        .with("Sec-Fetch-Dest", "empty")
}

/// A script's write on our own page.
pub fn write(target: &str) -> Ask {
    Ask::new("POST", target)
        .with("Origin", ISSUER)
        .with("Sec-Fetch-Site", "same-origin")
        .with("Sec-Fetch-Mode", "cors")
        .with("Sec-Fetch-Dest", "empty")
}

/// What an attacker's page makes a browser send.
pub fn foreign(ask: Ask) -> Ask {
    ask.without("Origin")
        .without("Sec-Fetch-Site")
        .with("Origin", "https://attacker.example")
        .with("Sec-Fetch-Site", "cross-site")
}

#[derive(Clone, Debug)]
struct Kept {
    name: String,
    value: String,
    until: Option<Time>,
}

#[derive(Clone, Debug, Default)]
pub struct Browser {
    jar: Vec<Kept>,
}

impl Browser {
    /// Takes a response's `Set-Cookie`s, in order.
    pub fn take(&mut self, set_cookies: &[String], now: Time) {
        for text in set_cookies {
            self.take_one(text, now);
        }
    }

    fn take_one(&mut self, text: &str, now: Time) {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes: Vec<&str> = parts.collect();
        if name.starts_with("__Host-") {
            for attribute in ["Path=/", "Secure", "HttpOnly"] {
                assert!(
                    attributes.contains(&attribute),
                    "{name} lacks {attribute}, so a browser ignores or shows it"
                );
            }
            assert!(!text.contains("Domain"), "{name} has a Domain");
        }
        let age = attributes
            .iter()
            .find_map(|attribute| attribute.strip_prefix("Max-Age="))
            .map(|seconds| seconds.parse::<u64>().unwrap());
        self.jar.retain(|kept| kept.name != name);
        if age != Some(0) {
            self.jar.push(Kept {
                name: name.to_owned(),
                value: value.to_owned(),
                until: age.map(|seconds| now.plus(Span::from_secs(seconds))),
            });
        }
    }

    /// The session cookie's value.
    pub fn session(&self) -> Option<&str> {
        let kept = self.jar.iter().find(|kept| kept.name == COOKIE)?;
        Some(&kept.value)
    }

    /// Puts a value under the session cookie's name, whatever it is.
    pub fn plant(&mut self, value: &str) {
        self.jar.retain(|kept| kept.name != COOKIE);
        self.jar.push(Kept { name: COOKIE.to_owned(), value: value.to_owned(), until: None });
    }

    pub fn has(&self, name: &str) -> bool {
        self.jar.iter().any(|kept| kept.name == name)
    }

    /// Forgets the cookie that says that something has just changed.
    pub fn forget_freshness(&mut self) {
        self.jar.retain(|kept| kept.name != "__Host-session-fresh");
    }

    /// Closes and opens it: what was kept for this run only is gone.
    pub fn restart(&mut self) {
        self.jar.retain(|kept| kept.until.is_some());
    }

    /// The request with the jar's cookies.
    pub fn dress(&self, ask: Ask, now: Time) -> Ask {
        let live = |kept: &&Kept| kept.until.is_none_or(|until| now < until);
        let cookies: Vec<String> = self
            .jar
            .iter()
            .filter(live)
            .map(|kept| format!("{}={}", kept.name, kept.value))
            .collect();
        if cookies.is_empty() {
            return ask;
        }
        ask.with("Cookie", &cookies.join("; "))
    }
}
