//! What can happen next in a small world in front of one Durable Object.

use edge_session::store::Fault;
use edge_session::time::Span;
use std::rc::Rc;

use serde_json::{Value, json};

use super::{Durable, KEYS, Rules, Under};
use crate::explorer::Choices;
use crate::requests::Kind;

pub(super) enum Move {
    Begin(usize, usize, Kind),
    Tell(usize),
    Fail(usize),
    Lose(usize),
    Break(usize),
    Delay(usize),
    Hear(usize),
    Answer(usize),
    Deliver(usize, bool),
    Land(usize),
    Pass(u64),
    Deploy(usize),
}

pub(super) fn settings(rules: &Rules) -> Value {
    json!({
        "login_url": null,
        "lifetime": { "idle": "60s", "anonymous": "40s", "absolute": "200s", "remember": "300s", "touch": "10s" },
        "rotation": { "every": "20s", "grace": "5s", "reuse_after": "30s" },
        "freshness": { "safe": if rules.fresh { "5s" } else { "0s" } },
    })
}

impl Durable {
    pub(super) fn moves(&self) -> Vec<Move> {
        let rules = &self.rules;
        let mut moves = Vec::new();
        if self.under.len() < rules.at_once {
            for browser in 0..rules.browsers {
                for isolate in 0..rules.isolates {
                    moves.extend(
                        rules.kinds.iter().map(|kind| Move::Begin(browser, isolate, *kind)),
                    );
                }
            }
        }
        let may_fail = self.faults < rules.faults;
        for (place, under) in self.under.iter().enumerate() {
            if let Some(call) = under.visit.call() {
                moves.push(Move::Tell(place));
                if may_fail {
                    moves.push(Move::Fail(place));
                    moves.push(Move::Lose(place));
                    if call.is_asked_again_after(Fault::Failed) && !under.again {
                        moves.push(Move::Break(place));
                    }
                    if call.is_change() {
                        moves.push(Move::Delay(place));
                    }
                }
            } else if under.visit.is_told() {
                moves.push(Move::Hear(place));
            } else if under.visit.is_at_origin() {
                moves.push(Move::Answer(place));
            } else {
                moves.push(Move::Deliver(place, true));
                if may_fail {
                    moves.push(Move::Deliver(place, false));
                }
            }
        }
        moves.extend((0..self.late.len()).map(Move::Land));
        // No store takes its time, and no answer's way back does.
        let is_quiet = self.under.iter().all(|under| under.visit.is_at_origin());
        moves.extend(
            rules
                .passes
                .iter()
                .filter(|millis| is_quiet || **millis < 2000)
                .map(|millis| Move::Pass(*millis)),
        );
        if rules.new_keys {
            moves.extend(
                (0..rules.isolates).filter(|isolate| self.may_deploy(*isolate)).map(Move::Deploy),
            );
        }
        moves
    }

    /// Whether an isolate may get the next key list, as an operator goes about it.
    fn may_deploy(&self, isolate: usize) -> bool {
        let next = self.stages[isolate] + 1;
        let last = *self.stages.iter().min().unwrap();
        let is_over = self.now >= self.moved.plus(Span::from_secs(300));
        next <= last + 1 && next < KEYS.len() && (next + 1 < KEYS.len() || is_over)
    }

    pub(super) fn make(&mut self, it: &Move, choices: &mut Choices) {
        let mut tell = |all: &Self, place: usize, how: &str| {
            let Under { kind, visit, .. } = &all.under[place];
            choices.tell(&format!("{kind:?} ({}): {how}", visit.number));
        };
        match *it {
            Move::Begin(browser, isolate, kind) => {
                let number = self.number(browser) + 1;
                choices.tell(&format!("browser {browser} at {isolate}: {kind:?} ({number})"));
                self.begin(browser, isolate, kind);
            }
            Move::Tell(place) => {
                tell(self, place, "carried out");
                self.tell(place);
                self.go_on(place);
            }
            Move::Fail(place) => {
                tell(self, place, "failed");
                self.fail(place, Fault::Overloaded);
                self.go_on(place);
            }
            Move::Lose(place) => {
                tell(self, place, "carried out, no answer");
                self.carry_out(place);
                self.fail(place, Fault::Deadline);
                self.go_on(place);
            }
            Move::Break(place) => {
                tell(self, place, "carried out, asked again");
                self.carry_out(place);
                self.faults += 1;
                self.under[place].again = true;
            }
            Move::Delay(place) => {
                tell(self, place, "too late");
                let under = &self.under[place];
                self.late.push((under.visit.call().unwrap(), under.began));
                self.fail(place, Fault::Deadline);
                self.go_on(place);
            }
            Move::Hear(place) => {
                tell(self, place, "heard");
                self.hear(place);
            }
            Move::Answer(place) => {
                tell(self, place, "its origin answers");
                self.answer(place);
            }
            Move::Deliver(place, arrives) => {
                tell(self, place, if arrives { "answered" } else { "its answer is lost" });
                self.deliver(place, arrives);
            }
            Move::Land(late) => {
                choices.tell("a late one is carried out");
                let (call, began) = self.late.remove(late);
                self.apply(&call, began, true);
            }
            Move::Pass(millis) => {
                choices.tell(&format!("{millis} ms pass"));
                self.now = self.now.plus(Span::from_millis(millis));
            }
            Move::Deploy(isolate) => {
                self.stages[isolate] += 1;
                choices.tell(&format!("isolate {isolate} has {:?}", KEYS[self.stages[isolate]]));
                self.gates[isolate].site = Rc::clone(&self.sites[self.stages[isolate]]);
                if self.stages[isolate] == 2 {
                    self.moved = self.now;
                }
            }
        }
    }
}
