//! Web origins ([RFC 6454](https://www.rfc-editor.org/rfc/rfc6454)): a scheme, a host and a port, in
//! the one spelling that browsers send.
//!
//! Guarantees: what parses is spelled as browsers serialise it (lower case, no default port, no
//! path, no userinfo), so that comparing origins is comparing bytes.

use core::fmt;

/// An origin such as `https://app.example.com` or `http://localhost:8787`.
#[derive(Clone, PartialEq, Eq)]
pub struct WebOrigin {
    text: String,
    scheme_length: usize,
}

impl WebOrigin {
    /// Reads an origin; `None` when it is not spelled as a browser would.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme_fits = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(&byte)
            });
        if !scheme_fits {
            return None;
        }
        let (host, port) = split_port(authority)?;
        if !is_host(host) || port.is_some_and(|port| !is_port(port, scheme)) {
            return None;
        }
        Some(Self { text: text.to_owned(), scheme_length: scheme.len() })
    }

    /// The origin as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `https`, `http` or another scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.text.get(..self.scheme_length).unwrap_or_default()
    }

    /// Host, with the port when it is not the scheme's default: what the Host header must say.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.get(self.scheme_length.saturating_add(3)..).unwrap_or_default()
    }

    /// Whether the host is this machine itself, where browsers treat plain http as safe.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = split_port(self.authority()).map_or("", |(host, _)| host);
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || (host.starts_with("127.")
                && host.parse::<core::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()))
    }
}

impl fmt::Debug for WebOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let (host, rest) = authority.split_at_checked(authority.find(']')?.checked_add(1)?)?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inner.parse::<core::net::Ipv6Addr>().is_ok_and(|ip| ip.to_string() == inner);
    }
    !host.is_empty()
        && !host.starts_with('.')
        && host.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte)
        })
}

fn is_port(port: &str, scheme: &str) -> bool {
    let default = match scheme {
        "http" => "80",
        "https" => "443",
        _ => "",
    };
    port.parse::<u16>().is_ok_and(|number| number != 0 && number.to_string() == port)
        && port != default
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_in_their_one_spelling() {
        for text in [
            "https://example.com",
            "https://example.com:8080",
            "http://localhost:8787",
            "http://127.0.0.1:8787",
            "http://[::1]:8787",
            "chrome-extension://abcdefghijklmnop",
        ] {
            assert_eq!(WebOrigin::parse(text).as_ref().map(WebOrigin::as_str), Some(text));
        }
        for text in [
            "",
            "null",
            "example.com",
            "https://",
            "https:// example.com",
            "https://ex ample.com",
            "https://example.com/",
            "https://example.com/path",
            "https://example.com?query",
            "https://example.com#fragment",
            "https://user@example.com",
            "https://Example.com",
            "HTTPS://example.com",
            "https://example.com:443",
            "http://example.com:80",
            "https://example.com:",
            "https://example.com:0",
            "https://example.com:080",
            "https://example.com:99999",
            "https://exämple.com",
            "https://[::1",
            "https://[0:0::1]",
            "https://a,https://b",
            "https://.example.com",
        ] {
            assert_eq!(WebOrigin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        let is_loopback = |text| WebOrigin::parse(text).unwrap().is_loopback();
        for text in [
            "http://localhost",
            "http://a.localhost:1",
            "http://127.0.0.1",
            "http://127.9.9.9",
            "http://[::1]:8",
        ] {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "http://localhost.evil.com",
            "http://127.0.0.1.evil.com",
            "http://128.0.0.1",
            "http://notlocalhost",
            "http://[::2]",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn an_origin_comes_apart_into_scheme_and_authority() {
        let origin = WebOrigin::parse("http://localhost:8787").unwrap();
        assert_eq!((origin.scheme(), origin.authority()), ("http", "localhost:8787"));
    }
}
