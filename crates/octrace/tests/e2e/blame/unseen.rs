//! What happened while nobody looked keeps people from being named.

use octrace_testkit::Watched;

use super::stage::{Stage, agent, person};

#[test]
fn a_watched_shell_is_no_suspect() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.agent("a.txt", 2, &agent("one", 1))?;
    stage.coder.runs("ls", Watched::Yes, &[], || Ok(()))?;
    stage.hand("a.txt", 13, &person("later", 1))?;
    stage.write("new.txt", &person("new", 2))?;
    assert_eq!(stage.check("a.txt", 0)?, "ppappppppppppp");
    assert_eq!(stage.check("new.txt", 0)?, "pp");
    Ok(())
}

#[test]
fn what_a_watched_shell_writes_is_the_agents() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let path = stage.path("a.txt");
    let text = stage.read("a.txt")? + &agent("shell", 2);
    stage
        .coder
        .runs("python3 generate.py", Watched::Yes, &[&path], || Ok(std::fs::write(&path, text)?))?;
    assert_eq!(stage.check("a.txt", 0)?, "ppppppppppppaa");
    let blamed = stage.json("a.txt")?;
    assert_eq!(blamed["lines"][12]["evidence"], "step_trees");
    Ok(())
}

#[test]
fn a_shell_that_nobody_watched_may_have_written_anything() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let path = stage.path("new.txt");
    stage.coder.runs("python3 generate.py", Watched::No, &[&path], || {
        Ok(std::fs::write(&path, agent("shell", 2))?)
    })?;
    // What was committed before is a person's all the same, a second later: git has no fractions.
    assert_eq!(stage.check("new.txt", 2)?, "??");
    let blamed = stage.json("new.txt")?;
    let line = &blamed["lines"][0];
    assert_eq!(
        (&line["suspect"]["tool"], &line["commit"]),
        (&"bash".into(), &serde_json::Value::Null)
    );
    Ok(())
}

#[test]
fn what_git_ignores_is_in_no_snapshot() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.write(".gitignore", "*.log\n")?;
    let path = stage.path("x.log");
    // The step's snapshots are read, and do not show it.
    stage
        .coder
        .runs("make", Watched::Yes, &[], || Ok(std::fs::write(&path, agent("shell", 2))?))?;
    assert_eq!(stage.check("x.log", 2)?, "??");
    Ok(())
}
