//! Goes through all histories of a small world up to a length, shortest first.
//!
//! A world makes one move at a time. Whatever could go one way or another in a move is asked of its
//! [`Choices`], and every way is gone. Worlds that print alike are one.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// What goes which way in one move.
#[derive(Default)]
pub struct Choices {
    made: Vec<(usize, usize)>,
    next: usize,
    told: String,
}

impl Choices {
    /// One of so many.
    pub fn pick(&mut self, of: usize) -> usize {
        if self.next == self.made.len() {
            self.made.push((0, of));
        }
        let (pick, _) = self.made[self.next];
        self.next += 1;
        pick
    }

    /// Adds to what is told of this move.
    pub fn tell(&mut self, text: &str) {
        self.told += text;
    }

    /// The next way; `None` when all were gone.
    fn turn(&mut self) -> Option<()> {
        self.next = 0;
        self.told.clear();
        while let Some((pick, of)) = self.made.pop() {
            if pick + 1 < of {
                self.made.push((pick + 1, of));
                return Some(());
            }
        }
        None
    }
}

/// A world that can be copied.
pub trait World: Clone {
    /// Makes a move and tells which; `None` when that move is none.
    fn go(&mut self, choices: &mut Choices) -> Option<()>;

    /// Everything that what comes next depends on.
    fn print(&self, into: &mut Print);
}

/// What tells worlds from each other.
pub struct Print([DefaultHasher; 2]);

impl Hasher for Print {
    fn write(&mut self, bytes: &[u8]) {
        self.0.iter_mut().for_each(|half| half.write(bytes));
    }

    fn finish(&self) -> u64 {
        self.0[0].finish()
    }
}

impl Print {
    fn of(world: &impl World) -> [u64; 2] {
        let mut print = Self([DefaultHasher::new(), DefaultHasher::new()]);
        print.0[1].write_u8(1);
        world.print(&mut print);
        print.0.map(|half| half.finish())
    }
}

struct Story {
    before: Option<Rc<Self>>,
    moved: String,
}

fn tell(story: Option<&Rc<Story>>) -> String {
    let mut moves = Vec::new();
    let mut at = story;
    while let Some(story) = at {
        moves.push(story.moved.as_str());
        at = story.before.as_ref();
    }
    moves.iter().rev().fold(String::new(), |mut text, moved| {
        writeln!(text, "  {moved}").unwrap();
        text
    })
}

/// Makes all histories of up to so many moves, and more where a longer run is asked for.
///
/// # Panics
/// With the shortest history, where one breaks a guarantee; and where they come to fewer worlds that
/// are told apart than `least`: histories that end early would prove nothing.
pub fn explore<W: World>(start: W, moves: usize, least: usize) {
    let moves = moves + further();
    let mut known = HashSet::from([Print::of(&start)]);
    let mut worlds = vec![(start, None::<Rc<Story>>)];
    for round in 0..moves {
        let mut next = Vec::new();
        for (world, story) in worlds {
            let mut choices = Choices::default();
            loop {
                let mut after = world.clone();
                let went = catch_unwind(AssertUnwindSafe(|| after.go(&mut choices)));
                let went = went.unwrap_or_else(|_| {
                    panic!("that was\n{}  {}", tell(story.as_ref()), choices.told)
                });
                if went.is_some() && known.insert(Print::of(&after)) {
                    // Nobody goes on from the last.
                    if round + 1 < moves {
                        let told = choices.told.clone();
                        let story = Story { before: story.clone(), moved: told };
                        next.push((after, Some(Rc::new(story))));
                    }
                }
                if choices.turn().is_none() {
                    break;
                }
            }
        }
        worlds = next;
    }
    assert!(known.len() >= least, "{}", known.len());
}

fn further() -> usize {
    let moves = std::env::var("EXPLORE_FURTHER").ok().and_then(|moves| moves.parse().ok());
    moves.unwrap_or_default()
}
