//! Lines that came from another file, or another work tree.

use std::fs;

use super::stage::{Stage, agent, person};

#[test]
fn a_copy_of_a_file_is_not_taken_for_a_persons_work() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.agent("a.txt", 2, &agent("one", 3))?;
    fs::copy(stage.path("a.txt"), stage.path("b.txt"))?;
    assert_eq!(stage.check("b.txt", 3)?, "pp???pppppppppp");
    stage.commit("copied")?;
    assert_eq!(stage.check("b.txt", 3)?, "pp???pppppppppp");
    assert_eq!(stage.check("a.txt", 0)?, "ppaaapppppppppp");
    Ok(())
}

#[test]
fn a_block_that_a_person_carries_over_is_not_the_persons() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.write("b.txt", &person("other", 4))?;
    stage.commit("other")?;
    stage.agent("a.txt", 2, &format!("{}}}\n", agent("one", 2)))?;
    stage.hand("b.txt", 2, &format!("{}}}\n", agent("one", 2)))?;
    let blamed = stage.json("b.txt")?;
    let who: Vec<&str> = (0..7).filter_map(|at| blamed["lines"][at]["who"].as_str()).collect();
    let expected = ["person", "person", "unknown", "unknown", "unknown", "person", "person"];
    assert_eq!(who, expected);
    assert!(blamed["lines"][2]["why"].as_str().is_some_and(|why| why.contains("another file")));
    Ok(())
}

#[test]
fn what_an_agent_wrote_in_another_work_tree_is_known_in_this_one() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.git(["worktree", "add", "--quiet", "-b", "topic", "../topic"])?;
    stage.agent("../topic/a.txt", 2, &agent("one", 3))?;
    stage.git_in("../topic", ["commit", "--quiet", "--all", "--message", "agent"])?;
    assert_eq!(stage.check("../topic/a.txt", 0)?, "ppaaapppppppppp");
    stage.git(["merge", "--quiet", "topic"])?;
    assert_eq!(stage.check("a.txt", 0)?, "ppaaapppppppppp");
    Ok(())
}

#[test]
fn the_same_line_again_is_nobodys_for_certain() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let line = "agent or person, who knows\n";
    stage.agent("a.txt", 2, &format!("{line}{line}"))?;
    // A person takes one of the two away, and puts it back.
    let text = stage.read("a.txt")?;
    stage.write("a.txt", &text.replacen(line, "", 1))?;
    stage.agent("a.txt", 12, &agent("two", 1))?;
    stage.write("a.txt", &text)?;
    let blamed = stage.json("a.txt")?;
    let who = [&blamed["lines"][2]["who"], &blamed["lines"][3]["who"]];
    assert_eq!(who, ["unknown", "unknown"], "{blamed:#}");
    Ok(())
}

#[test]
fn what_was_committed_before_an_agent_wrote_the_same_is_no_copy() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let text = stage.read("a.txt")?;
    stage.coder.writes("write", &stage.path("b.txt"), &text)?;
    assert_eq!(stage.check("a.txt", 0)?, "p".repeat(12));
    Ok(())
}
