//! A session in which each call leaves marks of its own in what it writes, so that it is known of every line who
//! wrote it: `‹a07›` is the seventh call's, everything else a person's.

use std::{fs, path::Path, process::Command};

use anyhow::ensure;
use octrace_testkit::script::{Fault, Step};
use serde_json::{Value, json};

/// What a person does to the project.
pub(super) type ByHand = fn(&Path) -> anyhow::Result<()>;

/// One answer of the model, and what a person did before it.
#[derive(Default)]
pub(super) struct Scene {
    calls: Vec<(&'static str, Value)>,
    pub(super) by_hand: Option<ByHand>,
}

/// A prompt and what follows.
pub(super) struct Act {
    /// The script's name.
    pub(super) name: &'static str,
    pub(super) model: &'static str,
    pub(super) scenes: Vec<Scene>,
}

impl Act {
    /// What the model answers. Each answer waits until the test lets it go, so that the test sees the files between
    /// any two.
    pub(super) fn steps(&self) -> Vec<Step> {
        let scenes = self.scenes.iter().map(|scene| {
            let step = Step::default();
            scene.calls.iter().fold(step, |step, (tool, input)| step.and_call(tool, input.clone()))
        });
        let last = Step::text("That is all.");
        scenes.chain([last]).map(|step| step.fail_times(1, Fault::HangBeforeHead)).collect()
    }

    /// Each call's tool.
    pub(super) fn tools(&self) -> impl Iterator<Item = &'static str> {
        self.scenes.iter().flat_map(|scene| scene.calls.iter().map(|(tool, _)| *tool))
    }
}

fn scene(calls: impl IntoIterator<Item = (&'static str, Value)>) -> Scene {
    Scene { calls: calls.into_iter().collect(), by_hand: None }
}

fn one(tool: &'static str, input: Value) -> Scene {
    scene([(tool, input)])
}

fn after(by_hand: ByHand, scene: Scene) -> Scene {
    Scene { by_hand: Some(by_hand), ..scene }
}

fn bash(command: &str) -> (&'static str, Value) {
    ("bash", json!({"command": command, "description": "Work"}))
}

fn edit(path: &str, old: &str, new: &str) -> (&'static str, Value) {
    ("edit", json!({"filePath": path, "oldString": old, "newString": new}))
}

fn write(path: &str, content: &str) -> (&'static str, Value) {
    ("write", json!({"filePath": path, "content": content}))
}

fn patch(text: &str) -> (&'static str, Value) {
    ("apply_patch", json!({"patchText": format!("*** Begin Patch\n{text}*** End Patch")}))
}

/// Lines of a file that only a person has written.
fn lines(name: &str, count: usize) -> String {
    (1..=count).map(|line| format!("{name} line {line} by hand\n")).collect()
}

/// What a person had there before the agent came.
pub(super) fn begin(project: &Path) -> anyhow::Result<()> {
    let put = |name: &str, content: &[u8]| fs::write(project.join(name), content);
    fs::create_dir(project.join("src"))?;
    put("person.txt", lines("person", 30).replace("line 2", "token 2").as_bytes())?;
    put("both.txt", lines("both", 12).as_bytes())?;
    put("old.fmt", b"    old one by hand\n    old two by hand\n    old three by hand\n")?;
    put("crlf.txt", lines("crlf", 8).replace('\n', "\r\n").as_bytes())?;
    put("bare.txt", lines("bare", 4).trim_end().as_bytes())?;
    put("bom.txt", format!("\u{feff}{}", lines("bom", 4)).as_bytes())?;
    put("latin.txt", b"caf\xe9 one by hand\nna\xefve two by hand\nplain three by hand\n")?;
    put("big.txt", lines("big", 92_000).as_bytes())?;
    put("moves.txt", lines("moves", 14).as_bytes())?;
    put("gone.txt", lines("gone", 3).as_bytes())?;
    put("patched.txt", lines("patched", 10).as_bytes())?;
    put("doomed.txt", lines("doomed", 3).as_bytes())?;
    put("from.txt", lines("from", 12).as_bytes())?;
    put("target.txt", lines("target", 5).as_bytes())?;
    put("braces.js", b"function one() {\n  return 1;\n}\n\nfunction two() {\n  return 2;\n}\n")?;
    std::os::unix::fs::symlink("target.txt", project.join("link.txt"))?;
    fs::create_dir(project.join("../outside"))?;
    fs::write(project.join("../outside/far.txt"), lines("far", 3))?;
    // Leading spaces become tabs, as some people's formatters do it.
    put(
        "opencode.json",
        br#"{"formatter": {"tabs": {"command": ["sed", "-i", "s/^    /\t/", "$FILE"], "extensions": [".fmt"]}}}"#,
    )?;
    for arguments in [&["add", "--all"][..], &["commit", "--quiet", "--message=By hand"]] {
        git(project, arguments)?;
    }
    Ok(())
}

fn git(project: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.invalid"];
    let status =
        Command::new("git").current_dir(project).args(identity).args(arguments).status()?;
    ensure!(status.success(), "git {arguments:?}");
    Ok(())
}

/// Appends a line to a file, or puts it at its begin.
fn by_hand(project: &Path, name: &str, first: bool, line: &str) -> anyhow::Result<()> {
    let path = project.join(name);
    let text = fs::read_to_string(&path)?;
    let text = if first { format!("{line}\n{text}") } else { format!("{text}{line}\n") };
    Ok(fs::write(path, text)?)
}

/// With `edit` and `write`.
pub(super) fn editing() -> Act {
    let new: String = (1..=12).map(|line| format!("let x{line} = {line}; // ‹a01›\n")).collect();
    let formatted = "    first ‹a07›\n    second ‹a07›\nthird ‹a07›\n";
    let moved = {
        // The first block goes behind the second one, and a line is new.
        let all = lines("moves", 14);
        let all: Vec<&str> = all.lines().collect();
        let [head, rest] = [&all[..5], &all[5..]];
        [rest, head, &["moves new ‹a27›"]].concat().join("\n") + "\n"
    };
    Act {
        name: "editing",
        model: "mock/scripted",
        scenes: vec![
            one("write", json!({"filePath": "src/new.rs", "content": new})),
            scene([edit(
                "src/new.rs",
                "let x5 = 5; // ‹a01›",
                "let x5 = 55; // ‹a02›\nlet y5 = 5; // ‹a02›",
            )]),
            one(
                "edit",
                json!({"filePath": "person.txt", "oldString": "token 2", "newString": "changed ‹a03›", "replaceAll": true}),
            ),
            after(
                |project| by_hand(project, "person.txt", false, "person at the end by hand"),
                scene([bash("sed -i 's/person line 3 .*/person line 3 ‹a04›/' person.txt")]),
            ),
            scene([bash(
                "cat > made.sh <<'END'\necho one ‹a05›\necho two ‹a05›\nEND\nchmod +x made.sh",
            )]),
            scene([bash("git mv notes.txt moved.txt && echo 'delta ‹a06›' >> moved.txt")]),
            scene([write("out.fmt", formatted)]),
            scene([edit("old.fmt", "    old two by hand", "    old two ‹a08›")]),
            after(
                |project| by_hand(project, "both.txt", true, "both at the begin by hand"),
                scene([
                    edit("both.txt", "both line 3 by hand", "both line 3 ‹a09›"),
                    bash("sleep 0.3; printf 'both shell ‹a10›\\n' >> both.txt"),
                ]),
            ),
            scene([
                edit("both.txt", "both line 5 by hand", "both line 5 ‹a11›\nboth more ‹a11›"),
                edit("both.txt", "both line 8 by hand", "both line 8 ‹a12›"),
            ]),
            one(
                "task",
                json!({"description": "Look after it", "prompt": "SCRIPT:helping", "subagent_type": "general"}),
            ),
            scene([edit("crlf.txt", "crlf line 4 by hand", "crlf line 4 ‹a14›")]),
            scene([edit("bare.txt", "bare line 4 by hand", "bare line 4 ‹a15›")]),
            scene([edit("bom.txt", "bom line 2 by hand", "bom line 2 ‹a16›")]),
            scene([bash(
                "LC_ALL=C sed -i 's/^na.*$/na\\xefve two ‹a17›/' latin.txt; printf 'caf\\351 ‹a17›\\n' >> latin.txt",
            )]),
            scene([write("../outside/far.txt", "far ‹a18›\nfar line 2 by hand\nfar more ‹a18›\n")]),
            scene([edit("link.txt", "target line 3 by hand", "target line 3 ‹a19›")]),
            scene([edit("big.txt", "big line 70000 by hand", "big line 70000 ‹a20›")]),
            scene([edit("person.txt", "no such line", "never ‹a21›")]),
            scene([bash("echo 'left behind ‹a22›' > failed.txt; exit 3")]),
            after(
                |project| by_hand(project, "moves.txt", false, "moves extra by hand"),
                scene([bash("rm gone.txt")]),
            ),
            scene([edit("person.txt", "person line 10 by hand\nperson line 11 by hand\n", "")]),
            scene([
                bash("printf 'left ‹a25›\\n' > left.txt"),
                bash("printf 'right ‹a26›\\n' > right.txt"),
            ]),
            scene([write("moves.txt", &moved)]),
            scene([bash("for n in 1 2 3 4 5; do echo \"made up $n ‹a28›\"; done > generated.txt")]),
            scene([write("src/new.rs", "nothing of it stays ‹a29›\n")]),
            scene([write("README.md", "# A project\n\nFor trying things out.\n")]),
            scene([edit(
                "braces.js",
                "  return 1;\n}",
                "  return 1;\n}\n\nfunction half() { // ‹a31›\n  return 0.5; // ‹a31›\n}",
            )]),
            scene([edit("person.txt", "person line 12 by hand", "Übergrößen und 漢字 ‹a32›")]),
            scene([bash("mkdir -p deep/er && printf 'deep ‹a33›\\n' > 'deep/er/na me.txt'")]),
        ],
    }
}

/// What the sub-agent does.
pub(super) fn helping() -> Vec<Step> {
    let (sub, sub_input) = write("sub.txt", "sub one ‹a34›\nsub two ‹a34›\n");
    let (person, person_input) = edit("person.txt", "person line 6 by hand", "person line 6 ‹a35›");
    vec![Step::call(sub, sub_input), Step::call(person, person_input), Step::text("Helped.")]
}

/// With `apply_patch`, on a model that has it.
pub(super) fn patching() -> Act {
    Act {
        name: "patching",
        model: "mock/gpt-scripted",
        scenes: vec![
            after(
                |project| by_hand(project, "patched.txt", true, "patched first by hand"),
                scene([patch("*** Add File: added.txt\n+added one ‹a36›\n+added two ‹a36›\n")]),
            ),
            scene([patch(
                "*** Update File: patched.txt\n@@\n patched line 3 by hand\n-patched line 4 by hand\n+patched line 4 ‹a37›\n+patched new ‹a37›\n patched line 5 by hand\n",
            )]),
            scene([patch("*** Delete File: doomed.txt\n")]),
            scene([patch(
                "*** Update File: from.txt\n*** Move to: src/to.txt\n@@\n from line 6 by hand\n-from line 7 by hand\n+from line 7 ‹a39›\n from line 8 by hand\n",
            )]),
            scene([patch(
                "*** Add File: third.txt\n+third ‹a40›\n*** Update File: patched.txt\n@@\n patched line 8 by hand\n-patched line 9 by hand\n+patched line 9 ‹a40›\n patched line 10 by hand\n*** Delete File: left.txt\n",
            )]),
            scene([
                patch("*** Add File: side.txt\n+side ‹a41›\n"),
                patch("*** Add File: other-side.txt\n+other side ‹a42›\n"),
            ]),
            scene([patch("*** Update File: patched.txt\n@@\n-no such line\n+never ‹a43›\n")]),
            after(
                |project| {
                    fs::rename(project.join("right.txt"), project.join("renamed.txt"))?;
                    by_hand(project, "crlf.txt", false, "crlf last by hand")
                },
                scene([bash(
                    "git add --all && git commit --quiet --message='By the agent' && echo 'after it ‹a44›' >> person.txt",
                )]),
            ),
        ],
    }
}
