//! What comes back from the gate.

use super::origin::Seen;
use super::secret_in;

/// What the browser is answered, and what the origin saw.
#[derive(Clone, Debug)]
pub struct Reaction {
    pub status: u16,
    /// The headers that the gate sets.
    pub headers: Vec<(String, String)>,
    /// The names of the origin's headers that do not pass.
    pub removed: Vec<String>,
    /// All `Set-Cookie`s, in order.
    pub cookies: Vec<String>,
    /// The gate's own body.
    pub body: String,
    /// The request, if it reached the origin.
    pub seen: Option<Seen>,
    /// Whether nothing of the origin's answer is passed on.
    pub is_own: bool,
}

impl Reaction {
    /// The stable code of a refusal.
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the session cookie is given a value.
    pub fn gives_cookie(&self) -> bool {
        self.cookies.iter().any(|cookie| secret_in(cookie).is_some())
    }

    /// Whether the session cookie is cleared.
    pub fn clears_cookie(&self) -> bool {
        self.cookies.iter().any(|cookie| cookie.starts_with("__Host-session=;"))
    }

    /// Whether our session cookie is left alone.
    pub fn keeps_cookie(&self) -> bool {
        !self.gives_cookie() && !self.clears_cookie()
    }
}
