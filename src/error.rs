//! What the gate answers itself when it turns a request away
//! ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem details).
//!
//! Guarantees: one stable code for each reason; bodies echo nothing of the request. Made into an
//! [`Answer`](crate::verdict::Answer), each goes out `no-store`.

/// Why a request was turned away. The codes are part of the outside contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is not one that can be forwarded as it is.
    Malformed,
    /// There is nothing at this reserved path.
    NotFound,
    /// The path or the gate does not take this method.
    MethodNotAllowed,
    /// The request names another site.
    WrongHost,
    /// The path needs a session with a subject.
    SessionRequired,
    /// The request is another site's.
    CrossSite,
    /// The request came without TLS.
    HttpsRequired,
    /// The deployment is misconfigured.
    ConfigInvalid,
    /// The gate failed.
    Internal,
    /// The origin's instruction does not count.
    ControlInvalid,
    /// The origin's instruction, or the data after it, is too large.
    ControlTooLarge,
    /// The origin did not answer.
    OriginUnreachable,
    /// The store did not answer, or not in time.
    StoreUnavailable,
    /// All of the subject's sessions were ended while the login was under way.
    SessionRaced,
}

/// The status line and body of a refusal, and the headers that come with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The body, `application/problem+json`.
    pub body: String,
    /// Headers besides `Content-Type` and `Cache-Control`.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// The media type of RFC 9457.
pub const PROBLEM_JSON: &str = "application/problem+json";

impl Code {
    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::WrongHost => "wrong_host",
            Self::SessionRequired => "session_required",
            Self::CrossSite => "cross_site",
            Self::HttpsRequired => "https_required",
            Self::ConfigInvalid => "config_invalid",
            Self::Internal => "internal",
            Self::ControlInvalid => "control_invalid",
            Self::ControlTooLarge => "control_too_large",
            Self::OriginUnreachable => "origin_unreachable",
            Self::StoreUnavailable => "store_unavailable",
            Self::SessionRaced => "session_raced",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::SessionRequired => 401,
            Self::CrossSite | Self::HttpsRequired => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::WrongHost => 421,
            Self::ConfigInvalid | Self::Internal => 500,
            Self::ControlInvalid | Self::ControlTooLarge | Self::OriginUnreachable => 502,
            Self::StoreUnavailable | Self::SessionRaced => 503,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request is malformed",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "This method is not allowed",
            Self::WrongHost => "This is not the site that the request names",
            Self::SessionRequired => "A session is required",
            Self::CrossSite => "The request comes from another site",
            Self::HttpsRequired => "HTTPS is required",
            Self::ConfigInvalid => "The gate is misconfigured",
            Self::Internal => "Internal error",
            Self::ControlInvalid => "The application's session instruction is not valid",
            Self::ControlTooLarge => "The application's session data is too large",
            Self::OriginUnreachable => "The application did not answer",
            Self::StoreUnavailable => "The session store did not answer",
            Self::SessionRaced => "The sessions of this account were just ended",
        }
    }

    /// The refusal for this reason.
    #[must_use]
    pub fn problem(self) -> Problem {
        self.written(self.status(), None)
    }

    /// The refusal for this reason, saying what it means for the user.
    #[must_use]
    pub fn problem_saying(self, detail: &'static str) -> Problem {
        self.written(self.status(), Some(detail))
    }

    /// The refusal for a message out of band: a fault of the request, not of the application
    /// behind the gate.
    #[must_use]
    pub fn problem_of_request(self) -> Problem {
        let status = match self.status() {
            502 => 400,
            status => status,
        };
        self.written(status, None)
    }

    fn written(self, status: u16, detail: Option<&'static str>) -> Problem {
        let detail = detail.map_or_else(String::new, |text| format!(r#","detail":"{text}""#));
        Problem {
            status,
            body: format!(
                r#"{{"type":"about:blank","title":"{}","status":{status},"code":"{}"{detail}}}"#,
                self.title(),
                self.as_str()
            ),
            headers: match self {
                Self::SessionRequired => {
                    vec![("www-authenticate", "Cookie realm=\"edge-session\"")]
                }
                Self::StoreUnavailable | Self::SessionRaced => vec![("retry-after", "1")],
                _ => Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Code; 14] = [
        Code::Malformed,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::WrongHost,
        Code::SessionRequired,
        Code::CrossSite,
        Code::HttpsRequired,
        Code::ConfigInvalid,
        Code::Internal,
        Code::ControlInvalid,
        Code::ControlTooLarge,
        Code::OriginUnreachable,
        Code::StoreUnavailable,
        Code::SessionRaced,
    ];

    #[test]
    fn every_body_is_a_problem_with_its_own_code_and_the_status_it_is_sent_with() {
        let mut codes = std::collections::HashSet::new();
        for code in ALL {
            for problem in [code.problem(), code.problem_of_request(), code.problem_saying("x")] {
                let body: serde_json::Value = serde_json::from_str(&problem.body).unwrap();
                assert_eq!(body["status"], problem.status);
                assert_eq!(body["code"], code.as_str());
            }
            assert!(codes.insert(code.as_str()));
        }
    }

    #[test]
    fn what_passes_by_itself_says_when_to_come_back() {
        for code in ALL {
            let problem = code.problem();
            let says_when = problem.headers.iter().any(|(name, _)| *name == "retry-after");
            assert_eq!(says_when, problem.status == 503, "{code:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_instruction_out_of_band_is_the_requests_fault() {
        assert_eq!(Code::ControlInvalid.problem().status, 502);
        assert_eq!(Code::ControlInvalid.problem_of_request().status, 400);
    }
}
