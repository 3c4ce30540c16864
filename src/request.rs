//! The facts of a request: everything that the gate's decisions depend on, as plain data.
//!
//! Guarantees: what is not in here plays no part in any decision. The shell fills it in without
//! judging; every judgement about a header is a method here or in the module it concerns.

/// What is known of a request. Header values are as the platform gives them: joined with `", "`
/// where a header came several times. Of most headers nothing is kept.
#[derive(Clone, Default)]
pub struct Facts {
    /// The method, in the letter case that was sent.
    pub method: String,
    /// The request's URL as the URL Standard serialises it.
    pub href: String,
    /// `Host`.
    pub host: Option<String>,
    /// `Cookie`.
    pub cookie: Option<String>,
    /// `Origin`.
    pub origin: Option<String>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<String>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Option<String>,
    /// `Sec-Fetch-Dest`.
    pub fetch_dest: Option<String>,
    /// `Sec-Purpose`.
    pub purpose: Option<String>,
    /// `Accept`.
    pub accept: Option<String>,
    /// `Content-Length`.
    pub content_length: Option<String>,
    /// `CF-Connecting-IP`.
    pub client_ip: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Transfer-Encoding`.
    pub transfer_encoding: Option<String>,
    /// `Upgrade`.
    pub upgrade: Option<String>,
    /// `Access-Control-Request-Method`.
    pub requested_method: Option<String>,
    /// Whether a header is there that makes frameworks treat the request as one of another method.
    pub overrides_method: bool,
    /// The names of the client-sent headers that speak of identity or routing, in every spelling
    /// that an origin could take for one of them.
    pub spoofable: Vec<String>,
}

// Cookies are in here, so it does not print.
impl core::fmt::Debug for Facts {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Facts(..)")
    }
}

/// Headers that make frameworks treat a request as one of another method.
const METHOD_OVERRIDES: [&str; 3] =
    ["x-http-method-override", "x-http-method", "x-method-override"];

/// Headers that tell an origin who is asking or where a request came from.
const ROUTING_PREFIXES: [&str; 4] = ["edge-session-", "x-forwarded-", "x-original-", "x-rewrite-"];
/// The last two choose the path for gunicorn, where it trusts whoever connects.
const ROUTING_NAMES: [&str; 4] = ["forwarded", "x-real-ip", "script-name", "path-info"];

impl Facts {
    /// Takes a header in, by its name in lower case. Several of one name have been joined.
    pub fn take(&mut self, name: &str, value: &str) {
        let place = match name {
            "host" => &mut self.host,
            "cookie" => &mut self.cookie,
            "origin" => &mut self.origin,
            "sec-fetch-site" => &mut self.fetch_site,
            "sec-fetch-mode" => &mut self.fetch_mode,
            "sec-fetch-dest" => &mut self.fetch_dest,
            "sec-purpose" => &mut self.purpose,
            "accept" => &mut self.accept,
            "content-length" => &mut self.content_length,
            "cf-connecting-ip" => &mut self.client_ip,
            "cache-control" => &mut self.cache_control,
            "transfer-encoding" => &mut self.transfer_encoding,
            "upgrade" => &mut self.upgrade,
            "access-control-request-method" => &mut self.requested_method,
            _ => {
                if is_routing_header(name) {
                    self.spoofable.push(name.to_owned());
                } else if METHOD_OVERRIDES.iter().any(|header| reads_as(name, header)) {
                    self.overrides_method = true;
                }
                return;
            }
        };
        *place = Some(value.to_owned());
    }

    /// `Origin`; an empty one counts as absent.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        present(self.origin.as_ref())
    }

    /// `Sec-Fetch-Site`; an empty one counts as absent.
    #[must_use]
    pub fn fetch_site(&self) -> Option<&str> {
        present(self.fetch_site.as_ref())
    }

    /// Whether the request may change something, or opens a channel that may.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
            || self.upgrade.is_some()
            || self.overrides_method
    }

    /// Whether the request reads and nothing else, so that an answer a few seconds old may do.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD") && !self.is_unsafe()
    }

    /// Whether a person is about to see the answer as a page of its own.
    #[must_use]
    pub fn is_top_level_navigation(&self) -> bool {
        if self.method != "GET" || self.is_prefetch() {
            return false;
        }
        match (present(self.fetch_mode.as_ref()), present(self.fetch_dest.as_ref())) {
            (None, None) => self.fetch_site().is_none() && self.accepts_html(),
            (Some("navigate"), Some("document")) => true,
            _ => self.is_navigation_handed_on(),
        }
    }

    /// Whether the site's own service worker has got a navigation and hands it on with `fetch`. That
    /// takes the destination away, and in Firefox the mode too. A download has no `Accept` of pages.
    fn is_navigation_handed_on(&self) -> bool {
        matches!(present(self.fetch_mode.as_ref()), Some("navigate" | "same-origin"))
            && present(self.fetch_dest.as_ref()) == Some("empty")
            && self.accepts_html()
    }

    /// Whether a page is being left for the answer, whatever the method.
    #[must_use]
    pub fn is_navigation(&self) -> bool {
        match present(self.fetch_mode.as_ref()) {
            Some(mode) => mode == "navigate" || self.is_navigation_handed_on(),
            None => self.accepts_html(),
        }
    }

    /// Whether the browser asks ahead of a visit that may never come.
    #[must_use]
    pub fn is_prefetch(&self) -> bool {
        present(self.purpose.as_ref()).is_some()
    }

    /// Whether this is a CORS preflight as browsers send it: without a body, and nothing but a
    /// question ([Fetch](https://fetch.spec.whatwg.org/#cors-preflight-fetch)).
    #[must_use]
    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS"
            && present(self.requested_method.as_ref()).is_some()
            && !self.announces_body()
    }

    /// Whether a GET or HEAD announces a body, which the platform cannot forward.
    #[must_use]
    pub fn has_body_without_meaning(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD") && self.announces_body()
    }

    fn announces_body(&self) -> bool {
        self.transfer_encoding.is_some()
            || present(self.content_length.as_ref())
                .is_some_and(|length| length.bytes().any(|digit| digit != b'0'))
    }

    fn accepts_html(&self) -> bool {
        present(self.accept.as_ref())
            .is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"))
    }
}

/// Whether an origin could take a header of this name for a statement about identity or routing.
fn is_routing_header(name: &str) -> bool {
    ROUTING_NAMES.iter().any(|routing| reads_as(name, routing))
        || ROUTING_PREFIXES.iter().any(|prefix| reads_as_if_it_began(name, prefix))
}

/// Whether CGI-like origins see a header's name as `plain`: letter case gone, everything but letters
/// and digits one and the same.
fn reads_as(name: &str, plain: &str) -> bool {
    name.chars().map(spelled_plainly).eq(plain.chars())
}

/// Whether CGI-like origins see a header's name begin with `plain`.
#[must_use]
pub fn reads_as_if_it_began(name: &str, plain: &str) -> bool {
    // For every header of every request: no text is made for it.
    let mut spelled = name.chars().map(spelled_plainly);
    plain.chars().all(|character| spelled.next() == Some(character))
}

fn spelled_plainly(character: char) -> char {
    if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
}

fn present(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(headers: &[(&str, &str)]) -> Facts {
        let mut facts = Facts { method: "GET".to_owned(), ..Facts::default() };
        for (name, value) in headers {
            facts.take(name, value);
        }
        facts
    }

    #[test]
    fn upgrades_and_method_overrides_are_unsafe_in_every_spelling() {
        assert!(!get(&[]).is_unsafe());
        for name in [
            "upgrade",
            "X-HTTP-Method-Override",
            "x_http_method_override",
            "X-Http-Method",
            "X.Method.Override",
        ] {
            assert!(get(&[(name, "x")]).is_unsafe(), "{name}");
        }
    }

    #[test]
    fn identity_and_routing_headers_are_found_in_every_spelling() {
        for name in [
            "Edge-Session-Assertion",
            "edge_session_assertion",
            "EDGE.SESSION-X",
            "X-Forwarded-For",
            "x_forwarded_host",
            "X-Original-URL",
            "X-Rewrite-Url",
            "Forwarded",
            "X-Real-IP",
            "x_real_ip",
            "X!Forwarded!Proto",
            "SCRIPT_NAME",
            "Script-Name",
            "PATH_INFO",
        ] {
            assert!(is_routing_header(name), "{name}");
        }
        for name in ["X-Forwarded", "Forwarded-By", "Edge-Sessions", "Origin", "Referer", "Cookie"]
        {
            assert!(!is_routing_header(name), "{name}");
        }
    }

    #[test]
    fn a_top_level_navigation_is_a_page_that_a_person_is_about_to_see() {
        let navigation = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(get(&navigation).is_top_level_navigation());
        assert!(get(&[("accept", "text/html,*/*")]).is_top_level_navigation());
        assert!(get(&[("accept", "Text/HTML")]).is_top_level_navigation());
        let prefetch = [navigation[0], navigation[1], ("sec-purpose", "prefetch")];
        for headers in [
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")][..],
            &[("sec-fetch-mode", "cors"), ("accept", "text/html")],
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "document")],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "empty")], // a download
            &[("sec-fetch-mode", "same-origin"), ("sec-fetch-dest", "empty"), ("accept", "*/*")],
            &[("sec-fetch-site", "same-origin"), ("accept", "text/html")],
            &[("accept", "application/json")],
            &prefetch,
        ] {
            assert!(!get(headers).is_top_level_navigation(), "{headers:?}");
        }
    }

    #[test]
    fn a_navigation_is_one_still_when_the_sites_service_worker_hands_it_on() {
        for mode in ["navigate", "same-origin"] {
            let mode = ("sec-fetch-mode", mode);
            let page = get(&[mode, ("sec-fetch-dest", "empty"), ("accept", "text/html,*/*")]);
            assert!(page.is_top_level_navigation() && page.is_navigation(), "{mode:?}");
            let script = get(&[
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-dest", "empty"),
                ("accept", "text/html"),
            ]);
            assert!(!script.is_top_level_navigation() && !script.is_navigation());
        }
    }

    #[test]
    fn a_preflight_names_the_method_that_it_asks_about() {
        let asks = |headers: &[(&str, &str)]| {
            Facts { method: "OPTIONS".to_owned(), ..get(headers) }.is_preflight()
        };
        let method = ("access-control-request-method", "PUT");
        assert!(asks(&[method]));
        assert!(asks(&[method, ("content-length", "0")]));
        assert!(!asks(&[method, ("content-length", "1")]));
        assert!(!asks(&[("access-control-request-method", "")]), "an empty header is none");
        assert!(!asks(&[]));
        assert!(!get(&[method]).is_preflight());
    }

    #[test]
    fn a_script_that_takes_html_leaves_no_page() {
        let accept = ("accept", "text/html");
        assert!(get(&[("sec-fetch-mode", "navigate")]).is_navigation());
        assert!(get(&[accept]).is_navigation(), "an old browser");
        assert!(!get(&[("sec-fetch-mode", "cors"), accept]).is_navigation());
    }

    #[test]
    fn a_get_that_announces_a_body_is_noticed() {
        assert!(!get(&[("content-length", "0")]).has_body_without_meaning());
        assert!(get(&[("content-length", "5")]).has_body_without_meaning());
        assert!(get(&[("content-length", "x")]).has_body_without_meaning());
        assert!(get(&[("transfer-encoding", "chunked")]).has_body_without_meaning());
    }

    #[test]
    fn facts_do_not_print() {
        let facts = Facts { cookie: Some("secret".to_owned()), ..Facts::default() };
        assert_eq!(format!("{facts:?}"), "Facts(..)");
    }
}
