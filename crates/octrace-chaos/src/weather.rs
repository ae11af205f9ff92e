//! What goes wrong while a cycle's processes are at work: they die, recorders die, the disk is full, backends are away.

use std::{
    thread,
    time::{Duration, Instant},
};

use octrace_testkit::{Answer, Fault, Response, Running};
use rustix::process::{Pid, Signal, kill_process};

use crate::{dice::Dice, world::World};

/// A process that is recorded.
pub(crate) struct Agent {
    pub(crate) name: String,
    pub(crate) running: Running,
    /// When it was killed.
    pub(crate) killed: Option<Instant>,
    /// How it ended, if it ended by itself: its exit code.
    pub(crate) ended: Option<i32>,
}

impl Agent {
    pub(crate) fn new(name: String, running: Running) -> Self {
        Self { name, running, killed: None, ended: None }
    }

    fn is_alive(&mut self) -> bool {
        if self.killed.is_none() && self.ended.is_none() {
            self.ended = self.running.ended().ok().flatten();
        }
        self.killed.is_none() && self.ended.is_none()
    }

    fn kill(&mut self) -> bool {
        if !self.is_alive() {
            return false;
        }
        let before = Instant::now();
        let killed = self.running.kill().is_ok_and(|output| output.code == 128 + 9);
        self.killed = killed.then_some(before);
        killed
    }
}

/// Lets it rain until all agents have ended, at most for `limit`; then who is left is killed. For the first while, up to
/// `grace`, nobody dies but recorders and who delivers. How many were killed.
pub(crate) fn rain(
    world: &mut World<'_>,
    agents: &mut [Agent],
    dice: &mut Dice,
    grace: Duration,
    limit: Duration,
) -> usize {
    let begun = Instant::now();
    let mut kills = 0;
    // Some cycles are rough, some nearly calm.
    let grace = grace.mul_f64(dice.between(0, 100) as f64 / 100.0);
    let longest = *dice.one_of(&[15, 40, 150]).unwrap_or(&100);
    while agents.iter_mut().any(Agent::is_alive) {
        thread::sleep(dice.millis(1, longest));
        if begun.elapsed() > limit {
            kills += agents.iter_mut().map(|agent| usize::from(agent.kill())).sum::<usize>();
            break;
        }
        let mortal = if begun.elapsed() < grace { &mut [] } else { &mut *agents };
        kills += strike(world, mortal, dice);
    }
    // Those who record and deliver what is left may die as well.
    for _ in 0..dice.between(0, 3) {
        thread::sleep(dice.millis(0, 60));
        kills += kill_recorder(world, dice);
    }
    kills + flush_and_kill(world, dice)
}

/// One thing that goes wrong, or one that is well again.
fn strike(world: &mut World<'_>, agents: &mut [Agent], dice: &mut Dice) -> usize {
    match dice.between(0, 19) {
        0..=5 => kill_recorder(world, dice),
        6 => kill_agent(agents, dice),
        7 => {
            let recorder = kill_recorder(world, dice);
            recorder + kill_agent(agents, dice)
        }
        18 => {
            let agent = kill_agent(agents, dice);
            agent + kill_recorder(world, dice)
        }
        8 | 9 => {
            world.fill_disk(dice.between(0, 300 << 10));
            0
        }
        10 | 11 => {
            world.free_disk();
            0
        }
        12 | 13 => {
            world.ground.proxy.set(fault(dice));
            0
        }
        14 => {
            world.receiver.is_down(dice.happens(500));
            0
        }
        15 | 16 => {
            world.receiver.always(answer(dice));
            0
        }
        17 => flush_and_kill(world, dice),
        _ => {
            if dice.happens(100) {
                world.crash_database();
            }
            0
        }
    }
}

fn kill(pid: Pid) -> usize {
    usize::from(kill_process(pid, Signal::KILL).is_ok())
}

fn kill_recorder(world: &World<'_>, dice: &mut Dice) -> usize {
    dice.one_of(&world.recorders()).map_or(0, |pid| kill(*pid))
}

fn kill_agent(agents: &mut [Agent], dice: &mut Dice) -> usize {
    if agents.is_empty() {
        return 0;
    }
    let at = dice.size(0, agents.len() - 1);
    usize::from(agents[at].kill())
}

/// Somebody types `octrace flush`, and loses patience.
fn flush_and_kill(world: &World<'_>, dice: &mut Dice) -> usize {
    let Ok(mut flush) = world.octrace(["flush", "--timeout", "5"]).spawn() else { return 0 };
    thread::sleep(dice.millis(0, 80));
    usize::from(flush.kill().is_ok_and(|output| output.code == 128 + 9))
}

fn fault(dice: &mut Dice) -> Fault {
    match dice.between(0, 4) {
        0 => Fault::Refuse,
        1 => Fault::CutAsked(dice.size(0, 20_000)),
        2 => Fault::CutAnswered(dice.size(0, 2_000)),
        _ => Fault::None,
    }
}

fn answer(dice: &mut Dice) -> Answer {
    match dice.between(0, 7) {
        0 => Answer::CutAsked,
        1 => Answer::CutUnanswered,
        2 => Answer::CutAnswered(Response::new(200, "")),
        3 => Answer::Says(Response::new(503, "")),
        4 => Answer::Says(Response::new(429, "").header("retry-after", "1")),
        _ => Answer::Well,
    }
}
