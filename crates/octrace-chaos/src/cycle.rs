//! One cycle: a world, those who are recorded in it, what goes wrong, and what is there afterwards.

use std::{path::Path, time::Duration};

use anyhow::Context;
use octrace_testkit::script::{Fault, Script, Server, Step};
use serde_json::json;

use crate::{
    dice::Dice,
    findings::{Findings, Kind},
    plan::{Ending, Plan},
    truth::{self, Taped},
    weather::{self, Agent},
    world::{Ground, World},
    writer,
};

/// Who is recorded in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cast {
    /// Processes that write spools as the plugin does.
    Writers,
    /// The plugin, in OpenCode's Bun.
    Plugins,
    /// Real OpenCodes.
    OpenCodes,
    /// Fifty plugins at once, and three OpenCodes among them.
    Crowd,
}

impl Cast {
    pub(crate) const ALL: [(&str, Self); 4] = [
        ("writers", Self::Writers),
        ("plugins", Self::Plugins),
        ("opencodes", Self::OpenCodes),
        ("crowd", Self::Crowd),
    ];

    fn drawn(dice: &mut Dice) -> Self {
        match dice.between(0, 199) {
            0 => Self::Crowd,
            1..=6 => Self::OpenCodes,
            7..=26 => Self::Plugins,
            _ => Self::Writers,
        }
    }
}

/// The plugin, as it is in the repository.
const PLUGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugin/index.ts");
const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/agent.ts");

/// Who is at work for longer is killed.
const WRITERS_TAKE: Duration = Duration::from_secs(20);
const AGENTS_TAKE: Duration = Duration::from_secs(60);

/// About how long an OpenCode takes for what it is asked; it has hardly begun before half of it.
const OPENCODE_WORKS: Duration = Duration::from_secs(12);

/// Plays the cycle of this seed; `cast` is drawn where it is not given.
pub(crate) fn play(
    ground: &mut Ground,
    seed: u64,
    cast: Option<Cast>,
) -> anyhow::Result<(Cast, Findings)> {
    let mut dice = Dice::new(seed);
    let drawn = Cast::drawn(&mut dice);
    let cast = cast.unwrap_or(drawn);
    let findings = match cast {
        Cast::Writers => writers(ground, &mut dice)?,
        Cast::Plugins => {
            let plugins = dice.size(1, 4);
            agents(ground, &mut dice, plugins, 0)?
        }
        Cast::OpenCodes => {
            let (plugins, opencodes) = (dice.size(0, 2), dice.size(1, 2));
            agents(ground, &mut dice, plugins, opencodes)?
        }
        Cast::Crowd => agents(ground, &mut dice, 50, 3)?,
    };
    Ok((cast, findings))
}

fn writers(ground: &mut Ground, dice: &mut Dice) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let mut world = World::new(ground, "http://127.0.0.1:9", true)?;
    let me = std::env::current_exe()?;
    let output = world.output();
    let done = |name: &str| output.join(format!("{name}.done"));
    let mut agents = Vec::new();
    let mut plans = Vec::new();
    for number in 0..dice.size(1, 5) {
        let (seed, name) = (dice.next(), format!("w{number}"));
        let run = world.program(&me).args(["write", &seed.to_string(), &name]).arg(done(&name));
        agents.push(Agent::new(name.clone(), run.spawn()?));
        plans.push(Plan::new(seed, &name));
        if dice.happens(300) {
            std::thread::sleep(dice.millis(0, 200));
        }
    }
    findings.counts.kills =
        weather::rain(&mut world, &mut agents, dice, Duration::ZERO, WRITERS_TAKE);
    let mut frames = Vec::new();
    for (agent, plan) in agents.iter_mut().zip(&plans) {
        let count = writer::frames_done(&done(&plan.name));
        let ended_well = plan.ending != Ending::Clean || count == plan.steps.len();
        if agent.killed.is_none() && !ended_well {
            let said = agent.running.stderr()?;
            anyhow::bail!("{} wrote {count} of {} frames: {said}", plan.name, plan.steps.len());
        }
        frames.push(count);
    }
    world.settle(&mut findings)?;
    let tape = Taped::read(&world.tape())?;
    for (plan, frames) in plans.iter().zip(frames) {
        truth::of_plan(plan, frames, &tape, &mut findings);
    }
    truth::of_tape(&world, &tape, &mut findings)?;
    Ok(findings)
}

fn agents(
    ground: &mut Ground,
    dice: &mut Dice,
    plugins: usize,
    opencodes: usize,
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let server = Server::start(script())?;
    // OpenCode has files of its own in the home, and no manners when there is no room for them.
    let mut world = World::new(ground, &server.url(), opencodes == 0)?;
    if opencodes > 0 {
        world.octrace(["install"]).output()?.success()?;
    }
    let mut agents = Vec::new();
    for number in 0..plugins {
        let name = format!("p{number}");
        let run = world
            .program(Path::new(world.home.opencode_program().path()))
            .arg(AGENT)
            .env("BUN_BE_BUN", "1")
            .env("CHAOS_PLUGIN", PLUGIN)
            .env("CHAOS_MODEL", server.url())
            .env("CHAOS_NAME", &name)
            .env("CHAOS_SEED", dice.between(0, 1 << 40).to_string());
        agents.push(Agent::new(name, run.spawn()?));
    }
    for number in 0..opencodes {
        let name = format!("o{number}");
        let prompt = format!("SCRIPT:work agent-{name}-end");
        let run = world.program(Path::new(world.home.opencode_program().path())).args([
            "run",
            "--model",
            "mock/scripted",
            &prompt,
        ]);
        agents.push(Agent::new(name, run.spawn()?));
    }
    let grace = if opencodes > 0 { OPENCODE_WORKS } else { Duration::ZERO };
    findings.counts.kills = weather::rain(&mut world, &mut agents, dice, grace, AGENTS_TAKE);
    for agent in &mut agents {
        if agent.ended.is_some_and(|code| code != 0) && agent.name.starts_with('p') {
            let said = agent.running.stderr()?;
            findings
                .note(Kind::Hang, format!("{} ended with {:?}: {said}", agent.name, agent.ended));
        }
    }
    server.release();
    world.settle(&mut findings)?;
    let tape = Taped::read(&world.tape()).context("the tape")?;
    truth::of_wire(&server.requests(), &agents, &tape, &mut findings);
    truth::of_tape(&world, &tape, &mut findings)?;
    Ok(findings)
}

/// What the model says, and how it fails.
fn script() -> Script {
    let words =
        "Some words that are streamed, one after the other, until there are enough of them. "
            .repeat(4);
    let say = || Step::text(words.clone());
    let file = |path: &str, content: &str| {
        Step::call("write", json!({"filePath": path, "content": content}))
    };
    let edit = json!({"filePath": "new.txt", "oldString": "two", "newString": "2\n2"});
    let shell = json!({"command": "echo three >> new.txt", "description": "Add a line"});
    Script::new()
        .on("talk", [say()])
        .on("slow", [say().pause(Duration::from_millis(10))])
        .on("cut", [say().fault(Fault::CutAfter(5)).pause(Duration::from_millis(5))])
        .on("bad", [Step::text("").fault(Fault::status(400))])
        .on("drop", [Step::text("").fault(Fault::CutBeforeHead)])
        .on("hang", [say().fault(Fault::HangAfter(4))])
        .on(
            "work",
            [
                file("new.txt", "one\ntwo\n").saying("I write it."),
                Step::call("edit", edit).pause(Duration::from_millis(10)),
                Step::call("bash", shell).saying(words.clone()),
                say().pause(Duration::from_millis(5)).fail_times(1, Fault::retry_at_once(503)),
            ],
        )
}
