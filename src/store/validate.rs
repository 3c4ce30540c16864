//! Whose an ID is.
//!
//! Guarantees: nobody is shown a session after its idle or absolute deadline, or for an ID that is
//! superseded; a validation that notes nothing leaves the record as it is.

use std::rc::Rc;

use super::apply::Object;
use super::{Gone, Reply};
use crate::record::Owner;
use crate::rotation::Standing;
use crate::token::IdHash;
use crate::view::{Succeeded, View};

/// Says whose ID this is, and notes that it was presented, where that is due.
pub(super) fn validate(object: &mut Object<'_>, id: &IdHash, slide: bool) -> Reply {
    let Some(place) = object.record.place_of_id(id) else {
        return Reply::Gone(Gone::Ended);
    };
    let Some(session) = object.record.sessions.get(place) else {
        return Reply::Gone(Gone::Ended);
    };
    let deadlines = object.record.deadlines(session, &object.policy.lifetimes);
    if deadlines.are_over(object.now) {
        return Reply::Gone(Gone::Expired);
    }
    if object.record.bars(session) {
        return Reply::Gone(Gone::Ended);
    }
    match session.ids.standing(id, &object.policy.rotation, object.now) {
        None => return Reply::Gone(Gone::Ended),
        Some(Standing::Superseded { reused }) => {
            let sid = session.ids.sid().clone();
            let ended = reused && object.policy.reuse_ends;
            if ended {
                object.record.to_mut().sessions.remove(place);
                object.written();
            }
            return Reply::Gone(Gone::Superseded { sid, reused, ended });
        }
        Some(Standing::Current | Standing::Preceding(_)) => {}
    }
    let now = object.now;
    let is_news = session.ids.current() == id && session.ids.seen().is_none();
    let touch_due = slide && now.since(session.life.touched) >= deadlines.touch;
    if is_news || touch_due {
        if let Some(session) = object.record.to_mut().sessions.get_mut(place) {
            if is_news {
                session.ids.see(now);
            }
            if touch_due {
                session.life.touched = now;
            }
        }
        object.written();
    }
    view(object, id).map_or(Reply::Gone(Gone::Ended), |view| Reply::Live(Rc::new(view)))
}

/// The session of this ID, as whoever presents that sees it.
pub(super) fn view(object: &Object<'_>, presented: &IdHash) -> Option<View> {
    let session = object.record.sessions.get(object.record.place_of_id(presented)?)?;
    let deadlines = object.record.deadlines(session, &object.policy.lifetimes);
    let succeeded = match session.ids.standing(presented, &object.policy.rotation, object.now)? {
        Standing::Current => None,
        Standing::Preceding(by) => Some(Succeeded { by }),
        Standing::Superseded { .. } => return None,
    };
    Some(View {
        root: session.root.clone(),
        sid: session.ids.sid().clone(),
        subject: object.record.owner.as_ref().and_then(Owner::subject).cloned(),
        created: session.life.created,
        idle: deadlines.idle,
        absolute: deadlines.absolute,
        touch_due: session.life.touched.plus(deadlines.touch),
        auth_time: session.auth_time,
        amr: session.amr.clone(),
        remember: session.life.remember,
        data: session.data.clone(),
        issued: session.ids.issued(),
        generation: session.ids.generation(),
        succeeded,
        checked: object.now,
    })
}
