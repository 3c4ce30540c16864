//! The URL that a request is for: parsed once, and everything else follows from that one text.
//!
//! Guarantees: the path that rules match is the path that is forwarded, byte for byte; no path
//! chooses the host, because the upstream URL is the parsed one with scheme and authority replaced
//! and never a path resolved against a base. The text is the WHATWG serialisation that the platform
//! made ([URL Standard](https://url.spec.whatwg.org/#url-serializing)), so dot segments, backslashes
//! and raw non-ASCII are gone from it.

use crate::origin::WebOrigin;

/// A parsed request URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    scheme: String,
    authority: String,
    has_userinfo: bool,
    path: String,
    query: String,
}

impl Target {
    /// Reads the WHATWG serialisation of an http or https URL; nothing when it is none.
    #[must_use]
    pub fn parse(href: &str) -> Option<Self> {
        let (scheme, rest) = href.split_once("://")?;
        if scheme != "http" && scheme != "https" {
            return None;
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, after) = rest.split_at_checked(rest.find('/')?)?;
        let (path, query) = match after.find('?') {
            Some(place) => after.split_at_checked(place)?,
            None => (after, ""),
        };
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let fits = !host.is_empty() && !path.contains('\\') && href.is_ascii();
        fits.then(|| Self {
            scheme: scheme.to_owned(),
            authority: host.to_owned(),
            has_userinfo: userinfo.is_some(),
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }

    /// Whether this is a request for the site itself, under no other name and as nobody.
    #[must_use]
    pub fn is_at(&self, site: &WebOrigin) -> bool {
        self.authority == site.authority() && !self.has_userinfo
    }

    /// Whether the request came over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The path, percent-encoded as it is forwarded.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Path and query, as they are forwarded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        format!("{}{}", self.path, self.query)
    }

    /// The same path and query at another origin.
    #[must_use]
    pub fn moved_to(&self, origin: &WebOrigin) -> String {
        format!("{}{}{}", origin.as_str(), self.path, self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_comes_apart_without_loss() {
        let target = Target::parse("https://app.example.com:8443/a/b?c=d?e/f#g").unwrap();
        assert!(target.is_https());
        assert_eq!(target.path(), "/a/b");
        assert_eq!(target.path_and_query(), "/a/b?c=d?e/f");
        assert!(target.is_at(&WebOrigin::parse("https://app.example.com:8443").unwrap()));
        assert!(!target.is_at(&WebOrigin::parse("https://app.example.com").unwrap()));
    }

    #[test]
    fn an_empty_query_is_kept() {
        assert_eq!(Target::parse("https://a/p?").unwrap().path_and_query(), "/p?");
        assert_eq!(Target::parse("https://a/p?a=\\b").unwrap().path_and_query(), "/p?a=\\b");
    }

    #[test]
    fn userinfo_is_never_the_site() {
        let site = WebOrigin::parse("https://site").unwrap();
        assert!(!Target::parse("https://user:pass@site/").unwrap().is_at(&site));
        assert!(!Target::parse("https://@site/").unwrap().is_at(&site));
        assert!(!Target::parse("https://site@evil/").unwrap().is_at(&site));
    }

    #[test]
    fn no_path_chooses_the_host() {
        let upstream = WebOrigin::parse("https://origin").unwrap();
        for path in ["//evil", "//evil/x", "/@evil", "/:80@evil", "/%5cevil", "/.evil"] {
            let target = Target::parse(&format!("https://site{path}")).unwrap();
            assert_eq!(target.moved_to(&upstream), format!("https://origin{path}"));
        }
    }

    #[test]
    fn what_the_platform_never_writes_is_refused() {
        for href in [
            "",
            "https://",
            "https:///p",
            "https://site",
            "ftp://site/",
            "https://site/a\\b",
            "https://site/é",
            "/p",
        ] {
            assert_eq!(Target::parse(href), None, "{href}");
        }
    }
}
