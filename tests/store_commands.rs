//! What a store decides by itself: whose object it is, how many sessions there are, what a repeat is
//! answered, and that time never runs backwards in a record.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/world.rs"]
mod world;

use edge_session::record::{Owner, Record};
use edge_session::store::{Command, Request, apply};
use edge_session::time::Span;
use serde_json::{Value, json};
use world::{Browser, Play, START, World, read, write};

fn record(world: &World) -> Record {
    assert_eq!(world.store.texts.len(), 1);
    Record::read(world.store.texts.values().next().unwrap()).unwrap()
}

/// What a command, given as JSON as it travels, is answered by the only object there is.
fn ask(world: &World, owner: Option<&str>, command: &Value) -> (Record, Value) {
    let request = Request {
        owner: owner.map(|owner| Owner::Subject(serde_json::from_value(json!(owner)).unwrap())),
        command: serde_json::from_value::<Command>(command.clone()).unwrap(),
        policy: world.site().config.policy(),
        ..request()
    };
    let before = record(world);
    let (after, reply) = apply(&before, &request, world.now);
    (after.unwrap_or(before), serde_json::to_value(&reply).unwrap())
}

fn request() -> Request {
    let policy = World::new(&json!({})).site().config.policy();
    serde_json::from_value(json!({ "command": "list", "policy": policy })).unwrap()
}

#[test]
fn an_object_that_holds_one_subjects_sessions_does_nothing_for_another() {
    let mut world = World::new(&json!({}));
    world.login(&mut Browser::default(), "alice");
    for command in ["list", "sweep"] {
        let (after, reply) = ask(&world, Some("bob"), &json!(command));
        assert_eq!(reply, json!("foreign"), "{command}");
        assert_eq!(after, record(&world), "{command}");
    }
    let (_, reply) = ask(&world, Some("alice"), &json!("list"));
    assert_eq!(reply["list"].as_array().unwrap().len(), 1);
}

#[test]
fn the_oldest_session_ends_with_the_login_that_is_one_too_many() {
    let mut world = World::new(&json!({ "limits": { "per_subject": 3 } }));
    let mut browsers = vec![Browser::default(); 5];
    for browser in &mut browsers {
        world.pass(1);
        world.login(browser, "alice");
    }
    // Not the one that was used least lately.
    world.pass(60);
    assert!(world.who(0, &mut browsers[2], write("/account/x")).is_some());
    browsers.push(Browser::default());
    world.login(browsers.last_mut().unwrap(), "alice");
    let alive: Vec<bool> = browsers
        .iter_mut()
        .map(|browser| world.who(0, browser, write("/account/x")).is_some())
        .collect();
    assert_eq!(alive, [false, false, false, true, true, true]);
    assert!(world.logged(&["session.ended", "replaced"]));
}

/// A login that is sent to the store now, by a gate whose clock is so many seconds behind.
fn login_by_a_clock_behind(world: &mut World, seconds: u64) -> String {
    let play = Play::Say(json!({ "op": "create", "sub": "alice" }));
    let mut flight = world.fly(0, &Browser::default(), write("/login"), play);
    world.now = world.now.minus(Span::from_secs(seconds));
    world.until_commanding(&mut flight);
    world.pass(seconds);
    world.finish(&mut flight).code()
}

#[test]
fn a_gate_whose_clock_is_behind_logs_in_from_a_minute_after_all_sessions_were_ended() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "destroy_all" })));
    world.pass(60);
    assert_eq!(login_by_a_clock_behind(&mut world, 600), "session_raced");
    world.pass(1);
    assert_eq!(login_by_a_clock_behind(&mut world, 600), "");
}

#[test]
fn a_login_that_answers_a_request_of_an_hour_ago_is_refused_for_nobody_knows_what_was_ended_since()
{
    for (seconds, code) in [(3599, ""), (3600, "session_raced")] {
        let mut world = World::new(&json!({}));
        let play = Play::Say(json!({ "op": "create", "sub": "alice" }));
        let mut flight = world.fly(0, &Browser::default(), write("/login"), play);
        world.until_at_origin(&mut flight);
        world.pass(seconds);
        assert_eq!(world.finish(&mut flight).code(), code, "{seconds}");
    }
}

#[test]
fn expired_sessions_make_room_before_a_living_one_is_ended() {
    let mut world = World::new(&json!({ "limits": { "per_subject": 2 } }));
    let mut first = Browser::default();
    world.login(&mut first, "alice");
    let mut shorter = Browser::default();
    let play = Play::Say(json!({ "op": "create", "sub": "alice", "absolute": 10 }));
    world.go(&mut shorter, write("/login"), play);
    world.pass(11);
    world.login(&mut Browser::default(), "alice");
    assert!(world.who(0, &mut first, write("/account/x")).is_some());
}

#[test]
fn a_validation_that_notes_nothing_writes_nothing() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let writes = world.store.writes;
    for _ in 0..5 {
        world.pass(1);
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    }
    assert_eq!(world.store.writes, writes);
}

#[test]
fn a_clock_that_steps_back_does_not_run_backwards_in_a_record() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.pass(100);
    world.login(&mut browser, "alice");
    world.now = START;
    let update = Play::Say(json!({ "op": "update", "set": { "a": 1 } }));
    assert_eq!(world.go(&mut browser, write("/"), update).status, 200);
    assert_eq!(record(&world).clock.secs(), START.secs() + 100);
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
}

#[test]
fn an_object_whose_last_session_has_ended_keeps_nothing() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let logout = write("/.edge-session/logout");
    world.go(&mut browser, logout, Play::Pass);
    assert!(world.store.texts.is_empty(), "{:?}", world.store.texts);
}

#[test]
fn an_object_is_not_kept_for_what_was_answered_about_sessions_that_have_ended() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    for op in ["update", "rotate"] {
        world.go(&mut browser, write("/"), Play::Say(json!({ "op": op })));
    }
    let logout = write("/.edge-session/logout");
    world.go(&mut browser, logout, Play::Pass);
    assert!(world.store.texts.is_empty(), "{:?}", world.store.texts);
}

#[test]
fn a_repeat_is_answered_as_the_first_time_where_the_session_has_ended_since() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let sid = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    let sid = sid.sid().unwrap().to_owned();
    let job = |jti: &str, op: &str| json!({ "op": op, "jti": jti, "sub": "alice", "sid": sid });
    for _ in 0..2 {
        assert_eq!(world.out_of_band(&job("1", "update")).status, 204);
        assert_eq!(world.out_of_band(&job("2", "destroy")).status, 204);
    }
    assert_eq!(world.out_of_band(&job("3", "destroy")).status, 404);
}

#[test]
fn a_destroy_that_answered_a_request_is_answered_as_the_first_time_when_repeated() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "destroy" })));
    let stored: Value = serde_json::from_str(world.store.texts.values().next().unwrap()).unwrap();
    let answered = &stored["answered"][0];
    let which = json!({ "sid": "AAAAAAAAAAAAAAAAAAAAAA" });
    let again = json!({ "destroy": { "which": which, "operation": answered["operation"] } });
    let (_, reply) = ask(&world, Some("alice"), &again);
    assert_eq!(reply["ended"]["presented"], true);
    assert_eq!(reply, answered["reply"]);
}

#[test]
fn what_is_kept_to_answer_repeats_goes_when_its_time_is_over() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "destroy_all" })));
    assert_eq!(world.store.texts.len(), 1, "the barrier and the answer are kept");
    // An alarm that was set before is kept; the object asks to be woken again.
    let mut alarm = START;
    while !world.store.texts.is_empty() {
        let next = record(&world).alarm.unwrap();
        assert!(next > alarm);
        (alarm, world.now) = (next, next);
        world.store.wake(next);
    }
    let kept = alarm.secs() - START.secs();
    assert_eq!(kept, 3600, "as long as a login of then could come");
}

#[test]
fn reading_a_list_shows_the_living_only() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    world.pass(1000);
    world.login(&mut Browser::default(), "alice");
    world.pass(900);
    assert!(world.go(&mut browser, read("/"), Play::Pass).seen.unwrap().sid().is_none());
    let (_, reply) = ask(&world, Some("alice"), &json!("list"));
    assert_eq!(reply["list"].as_array().unwrap().len(), 1);
}

#[test]
fn a_message_of_its_own_may_have_the_name_of_a_request_that_was_answered() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let update = json!({ "op": "update", "set": { "a": 1 } });
    let seen = world.go(&mut browser, write("/"), Play::Say(update)).seen.unwrap();
    let (jti, sid) = (&seen.claims["jti"], seen.sid().unwrap());
    let job = json!({ "op": "update", "jti": jti, "sub": "alice", "sid": sid, "set": { "b": 2 } });
    assert_eq!(world.out_of_band(&job).status, 204);
    let seen = world.go(&mut browser, write("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.claims["data"], json!({ "a": 1, "b": 2 }));
}

#[test]
fn data_that_a_smaller_limit_has_made_too_large_stays_until_it_is_changed() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    let data = json!({ "a": "x".repeat(200) });
    let login = json!({ "op": "create", "sub": "alice", "data": data });
    world.go(&mut browser, write("/"), Play::Say(login));
    world.isolates = World::new(&json!({ "limits": { "data": 100 } })).isolates;
    for (members, status) in [
        (json!({ "op": "update", "idle": 60 }), 200),
        (json!({ "op": "rotate" }), 200),
        (json!({ "op": "update", "set": { "b": 1 } }), 502),
        (json!({ "op": "update", "unset": ["a"] }), 200),
    ] {
        let reaction = world.go(&mut browser, write("/"), Play::Say(members.clone()));
        assert_eq!(reaction.status, status, "{members}");
    }
}

/// The command of a login that made the only session there is, or of another one with this handle.
fn login_again(world: &World, sid: Option<&str>, data: &Value) -> Value {
    let session = serde_json::to_value(&record(world).sessions[0]).unwrap();
    let sid = sid.map_or(session["root"].clone(), |sid| json!(sid));
    json!({ "create": {
        "id": session["ids"]["current"]["hash"], "sid": sid, "age": 0, "sent": world.now,
        "end_others": false, "data": data, "auth_time": null, "amr": null, "remember": false,
        "shorter": {},
    } })
}

#[test]
fn a_login_that_arrives_twice_makes_one_session() {
    let mut world = World::new(&json!({}));
    world.login(&mut Browser::default(), "alice");
    let before = record(&world);
    let (after, reply) = ask(&world, Some("alice"), &login_again(&world, None, &json!({})));
    assert_eq!(after, before);
    assert_eq!(reply["created"]["ended"], json!([]));
}

#[test]
fn a_login_may_bring_as_much_data_as_a_session_may_hold_and_no_more() {
    let mut world = World::new(&json!({ "limits": { "data": 100 } }));
    world.login(&mut Browser::default(), "alice");
    for (length, fits) in [(93, false), (92, true)] {
        let data = json!({ "a": "x".repeat(length) });
        let command = login_again(&world, Some("AAAAAAAAAAAAAAAAAAAAAA"), &data);
        let (_, reply) = ask(&world, Some("alice"), &command);
        assert_eq!((reply["created"].is_object(), reply == json!("too_large")), (fits, !fits));
        let asked = world.store.operations;
        let login = Play::Say(json!({ "op": "create", "sub": "bob", "data": data }));
        let reaction = world.go(&mut Browser::default(), write("/login"), login);
        assert_eq!(reaction.gives_cookie(), fits);
        assert_eq!(world.store.operations - asked, usize::from(fits), "nobody is asked in vain");
    }
}

#[test]
fn an_object_that_ends_everything_before_the_first_login_is_its_subjects_from_then_on() {
    let world = World::new(&json!({}));
    let said = |before: &Record, owner: &str, command: Value| {
        let owner = Some(Owner::Subject(serde_json::from_value(json!(owner)).unwrap()));
        let command = serde_json::from_value(command).unwrap();
        let (after, reply) = apply(before, &Request { owner, command, ..request() }, world.now);
        (after, serde_json::to_value(&reply).unwrap())
    };
    let operation = json!({ "id": "m-1", "digest": "", "until": world.now.plus(Span::from_secs(60)), "out_of_band": true });
    let all = json!({ "destroy_all": { "presented": null, "operation": operation } });
    let (after, _) = said(&Record::default(), "alice", all);
    let after = after.unwrap();
    assert_eq!(said(&after, "bob", json!("list")).1, json!("foreign"));
    assert_eq!(said(&after, "alice", json!("list")).1, json!({ "list": [] }));
}
