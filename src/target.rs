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
    is_https: bool,
    authority: String,
    has_userinfo: bool,
    path_and_query: String,
    path_length: usize,
}

impl Target {
    /// Reads the WHATWG serialisation of an http or https URL; `None` when it is none.
    #[must_use]
    pub fn parse(href: &str) -> Option<Self> {
        let (is_https, rest) = match href.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, href.strip_prefix("http://")?),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path_and_query) = rest.split_at_checked(rest.find('/')?)?;
        let path = path_and_query.split('?').next().unwrap_or_default();
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let fits = !host.is_empty() && !path.contains('\\') && href.is_ascii();
        fits.then(|| Self {
            is_https,
            authority: host.to_owned(),
            has_userinfo: userinfo.is_some(),
            path_length: path.len(),
            path_and_query: path_and_query.to_owned(),
        })
    }

    /// Whether this is a request for the site itself: under no other name, and without userinfo.
    #[must_use]
    pub fn is_at(&self, site: &WebOrigin) -> bool {
        self.authority == site.authority() && !self.has_userinfo
    }

    /// Whether the request came over TLS.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    /// The path, percent-encoded as it is forwarded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query.get(..self.path_length).unwrap_or_default()
    }

    /// Path and query, as they are forwarded.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The same path and query at another origin.
    #[must_use]
    pub fn moved_to(&self, origin: &WebOrigin) -> String {
        [origin.as_str(), &self.path_and_query].concat()
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
