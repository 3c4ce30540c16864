//! A site: its configuration and its keys, ready for use.
//!
//! Guarantees: there is no site that is half configured; building one derives every key once, so
//! that no request does.

use serde_json::Value;

use crate::assertion::Terms;
use crate::config::{Config, StoreKind};
use crate::control::Parties;
use crate::event::LogKey;
use crate::jws::OriginKeys;
use crate::keys::MasterKeys;
use crate::locator::LocatorKey;
use crate::mark::MarkKey;
use crate::token::CookieKeys;

/// The secrets of a deployment as text; empty where one is not set.
#[derive(Clone, Default)]
pub struct Secrets {
    /// `EDGE_SESSION_KEYS`.
    pub session: String,
    /// `EDGE_SESSION_ORIGIN_KEYS`.
    pub origin: String,
    /// `EDGE_SESSION_LOCATOR_KEY`.
    pub locator: String,
}

impl core::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Secrets(..)")
    }
}

/// Everything that the decisions about a site's requests depend on.
#[derive(Clone, Debug)]
pub struct Site {
    /// The configuration.
    pub config: Config,
    /// The keys that seal and open cookies.
    pub cookie_keys: CookieKeys,
    /// The keys shared with the origin.
    pub origin_keys: OriginKeys,
    /// The key that objects are named with.
    pub locator_key: LocatorKey,
    /// The key for the log.
    pub log_key: LogKey,
    /// The key that changes are named with.
    pub mark_key: MarkKey,
}

impl Site {
    /// Puts a site together.
    ///
    /// # Errors
    /// Everything that is wrong with configuration and secrets.
    pub fn new(config: &Value, secrets: &Secrets) -> Result<Self, Vec<String>> {
        let config = Config::parse(config);
        let development = config.as_ref().is_ok_and(|config| config.issuer.is_loopback());
        // Where the issuer is not known, development keys are not what is wrong.
        let development = development || config.is_err();
        let keys =
            MasterKeys::parse(&secrets.session, &secrets.origin, &secrets.locator, development);
        let (config, keys) = match (config, keys) {
            (Ok(config), Ok(keys)) => (config, keys),
            (config, keys) => {
                let mut problems = config.err().unwrap_or_default();
                problems.extend(keys.err().unwrap_or_default());
                return Err(problems);
            }
        };
        let issuer = config.issuer.as_str();
        let newest = keys.session.newest();
        let (log_key, mark_key) = (LogKey::new(newest), MarkKey::new(newest));
        Ok(Self {
            cookie_keys: CookieKeys::new(&keys.session, config.cookie.session(), issuer)
                .with_stamps(config.store == StoreKind::Kv),
            origin_keys: OriginKeys::new(&keys.origin),
            locator_key: LocatorKey::new(&keys.locator, issuer),
            log_key,
            mark_key,
            config,
        })
    }

    /// Who states what to whom, in assertions.
    #[must_use]
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            issuer: self.config.issuer.as_str(),
            audience: &self.config.audience,
            ttl: self.config.assertion_ttl,
        }
    }

    /// Who instructs whom, in controls.
    #[must_use]
    pub fn parties(&self) -> Parties<'_> {
        Parties { audience: &self.config.audience, issuer: self.config.issuer.as_str() }
    }
}
