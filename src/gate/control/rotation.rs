//! A rotation that the origin asks for: a new ID at once, the old one dead.
//!
//! Guarantees: the new ID follows from the presented one and no other, so that whoever presents it at
//! the same time is given the same; a number that another rotation has taken is never used twice.

use super::{Pending, ask, forwarded, owner_of, refuse, replace};
use crate::control::{self, ControlError};
use crate::event::Event;
use crate::gate::Turn;
use crate::gate::passage::{Context, call};
use crate::gate::resume::{derive, store_unavailable};
use crate::rotation::{Candidate, Derivation};
use crate::site::Site;
use crate::store::{self, Command, Fault, Operation, Which};
use crate::time::Time;
use crate::token::Token;
use crate::view::View;

/// How often a rotation is tried again because others have taken the number it was made for.
pub(super) const MOST_ATTEMPTS: u32 = 4;

/// Asks for the first ID that could follow.
pub(super) fn begin(
    site: &Site,
    context: &Context,
    rotate: control::Rotate,
    operation: Operation,
    now: Time,
    events: &mut Vec<Event>,
) -> Turn {
    let Some((token, view)) = forwarded(context) else {
        return refuse(context, ControlError::Invalid("there is no session to rotate"), events);
    };
    let Some(candidate) = candidate_after(site, token, view.generation) else {
        return replace(store_unavailable(Fault::Unreadable, events));
    };
    let rotate = store::Rotate {
        which: Which::Root(view.root.clone()),
        candidate,
        sid: context.jti.clone(),
        change: rotate.change,
        auth_time: rotate.auth_time,
        amr: rotate.amr,
        shorter: rotate.shorter,
        end_others: rotate.end_others,
        activity: context.activity(now),
        operation,
    };
    ask_for(site, token, view, rotate, 1)
}

/// Asks for another ID, where others have taken the number that this one was made for.
pub(super) fn again(
    site: &Site,
    context: &Context,
    rotate: store::Rotate,
    attempt: u32,
    after: u32,
    events: &mut Vec<Event>,
) -> Turn {
    let next = forwarded(context)
        .and_then(|(token, view)| Some((token, view, candidate_after(site, token, after)?)));
    let Some((token, view, candidate)) = next else {
        return replace(store_unavailable(Fault::Unreadable, events));
    };
    let rotate = store::Rotate { candidate, ..rotate };
    ask_for(site, token, view, rotate, attempt.saturating_add(1))
}

/// The ID that takes the place of the one with this number, derived from the presented one. Its own
/// number is never that of a periodic successor: in KV, whoever has not heard of it yet may still
/// be given those, which must not be this.
fn candidate_after(site: &Site, token: &Token, after: u32) -> Option<Candidate> {
    let by = Derivation { key: token.key.clone(), generation: Derivation::at_once(after)? };
    derive(site, token, by).map(|(_, candidate)| candidate)
}

fn ask_for(site: &Site, token: &Token, view: &View, rotate: store::Rotate, attempt: u32) -> Turn {
    let command = Command::Rotate(Box::new(rotate.clone()));
    let owner = Some(owner_of(view));
    let call = call(site, token.id.locator, owner, command).stamped_by(Some(token));
    ask(call, Pending::Rotating(Box::new(rotate), attempt))
}
