//! The cookies that go with what the store has done.
//!
//! Guarantees: a new ID's cookie says when its session ends and lasts no longer; whoever has changed
//! something is told so, in order to read what it changed.

use super::passage::Context;
use crate::cookie::SetCookie;
use crate::site::Site;
use crate::store::Lasting;
use crate::time::Time;
use crate::token::{SessionId, Stamp};

/// The cookie of an ID.
pub(super) fn sealed(site: &Site, id: &SessionId, lasting: Lasting, now: Time) -> SetCookie {
    let stamp = Stamp { root: lasting.root, generation: lasting.generation, sealed: now };
    let value = site.cookie_keys.seal(id, lasting.absolute, &stamp);
    let lasts = lasting.remember.then(|| lasting.absolute.since(now));
    site.config.cookie.set(&value, lasts)
}

/// The same, for a browser that this changes something for.
pub(super) fn given(
    site: &Site,
    context: &Context,
    id: &SessionId,
    lasting: Lasting,
    now: Time,
) -> Vec<SetCookie> {
    let mut cookies = vec![sealed(site, id, lasting, now)];
    cookies.extend(fresh(site, context));
    cookies
}

/// What says that this browser has changed something, where anybody remembers anything.
pub(super) fn fresh(site: &Site, context: &Context) -> Vec<SetCookie> {
    let window = site.config.longest_fresh;
    if window.is_zero() {
        return Vec::new();
    }
    let mark = site.mark_key.mark(&context.jti);
    vec![site.config.cookie.mark_fresh(mark, window)]
}
