//! What a session of ten tool calls costs OpenCode, and how soon it is gone afterwards, against a plugin that does
//! nothing.
//!
//! A single run's processor time varies by more than octrace costs. So the kinds take turns, in shuffled order and one
//! at a time, with nothing of the one before still at work; each is compared with the one that did nothing in the same
//! round; and there are many rounds, of which the median and its interval are looked at.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use octrace_testkit::{Answer, Figures, Home, Receiver, Run, script::Server};

use crate::{
    home,
    script::{self, DONE, TEN},
};

/// How often each kind is run, after once to warm up.
const ROUNDS: usize = 30;

/// Of these, `Kind::Nothing` is what the others are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A plugin that does nothing.
    Nothing,
    /// octrace.
    Recorded,
    /// octrace, and a backend that has never answered, though it was sent something.
    Silent,
}

const KINDS: [Kind; 3] = [Kind::Nothing, Kind::Recorded, Kind::Silent];

/// A home, and what was measured there, by rounds.
struct Stage {
    kind: Kind,
    home: Home,
    backend: Option<Receiver>,
    /// OpenCode's, and of the commands that it ran.
    cpu: Vec<Duration>,
    /// From the last byte that the model sent to OpenCode's end.
    exit: Vec<Duration>,
}

pub(crate) fn measure(figures: &mut Figures, is_quick: bool) -> anyhow::Result<()> {
    let rounds = if is_quick { 2 } else { ROUNDS };
    let server = Server::start(script::script(0))?;
    let mut stages = Vec::new();
    for kind in KINDS {
        stages.push(Stage::open(kind, &server)?);
    }
    for round in 0..=rounds {
        for at in shuffled(round) {
            let stage = &mut stages[at];
            let (cpu, exit) = stage.run(&server)?;
            // In its first run a home is set up.
            if round > 0 {
                stage.cpu.push(cpu);
                stage.exit.push(exit);
            }
        }
    }
    let [nothing, recorded, silent] = &stages[..] else { bail!("three kinds") };
    let pairs = |theirs: &[Duration], ours: &[Duration], compare: fn(f64, f64) -> f64| {
        let seconds = |all: &[Duration]| all.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
        let pairs = seconds(ours).into_iter().zip(seconds(theirs));
        pairs.map(|(ours, theirs)| compare(ours, theirs)).collect::<Vec<_>>()
    };
    let ratios = pairs(&nothing.cpu, &recorded.cpu, |ours, theirs| ours / theirs);
    let note = format!(
        "OpenCode and the commands that it ran, without its recorder: {:.2} s, {:.2} s with a plugin that does nothing; each pair of \
         one round, in shuffled order",
        middle(&recorded.cpu),
        middle(&nothing.cpu),
    );
    println!("{}", figures.tell("opencode.run.cpu_ratio", &ratios, &note)?);
    let about = [
        (recorded, "opencode.exit.delay", ""),
        (silent, "opencode.exit.delay_silent", "; it had been sent something in each run"),
    ];
    for (ours, id, more) in about {
        let added = pairs(&nothing.exit, &ours.exit, |ours, theirs| 1e3 * (ours - theirs));
        let note = format!(
            "from the model's last byte to OpenCode's end: {:.0} ms, {:.0} ms with a plugin that does nothing{more}",
            1e3 * middle(&ours.exit),
            1e3 * middle(&nothing.exit),
        );
        println!("{}", figures.tell(id, &added, &note)?);
    }
    Ok(())
}

impl Stage {
    fn open(kind: Kind, server: &Server) -> anyhow::Result<Self> {
        let home = match kind {
            Kind::Nothing => home::unrecorded(&server.url())?,
            Kind::Recorded | Kind::Silent => home::recorded(&server.url())?,
        };
        let backend = (kind == Kind::Silent).then(Receiver::otlp).transpose()?;
        if let Some(backend) = &backend {
            backend.always(Answer::Silence);
        }
        Ok(Self { kind, home, backend, cpu: Vec::new(), exit: Vec::new() })
    }

    /// OpenCode's processor time, and how long it lived on after the last answer.
    fn run(&mut self, server: &Server) -> anyhow::Result<(Duration, Duration)> {
        let asked = || self.backend.as_ref().map_or(0, |backend| backend.received().len());
        let (before, begun) = (asked(), Instant::now());
        let run = self.home.opencode_run("mock/scripted", TEN).timeout(home::PATIENCE);
        let run = self.backend.iter().fold(run, |run: Run, backend| {
            run.env("NEATLOGS_API_KEY", "some-key").env("NEATLOGS_ENDPOINT", backend.url())
        });
        let ended = run.spawn()?.measured()?;
        let output = ended.output.success()?;
        ensure!(output.stdout.contains(DONE), "{output:?}");
        // What the run before left behind is sent when this one's recorder starts.
        let is_warm = !self.cpu.is_empty();
        ensure!(self.kind != Kind::Silent || !is_warm || asked() > before, "nothing was sent");
        let answers = server.requests();
        let answers = answers.iter().filter(|seen| seen.at > begun);
        let last = answers.filter_map(|seen| Some(seen.sent.last()?.1)).max();
        let exit = ended.at - last.context("the model was not asked")?;
        if self.kind == Kind::Silent {
            home::leave(&self.home)?;
        } else {
            home::is_left(&self.home)?;
        }
        Ok((ended.needs.cpu, exit))
    }
}

/// The kinds in an order that is another one each time, and the same in each run of this.
fn shuffled(round: usize) -> [usize; KINDS.len()] {
    let mut order = [0, 1, 2];
    let mut random = (round as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for last in (1..order.len()).rev() {
        random ^= random >> 29;
        random = random.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        order.swap(last, usize::try_from(random >> 33).unwrap_or_default() % (last + 1));
    }
    order
}

/// The median, in seconds.
fn middle(all: &[Duration]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default().as_secs_f64()
}
