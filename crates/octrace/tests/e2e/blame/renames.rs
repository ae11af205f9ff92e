//! Files with another name than they had when the agent wrote in them.

use std::fs;

use super::stage::{EDITED, Stage, agent, edited, person};

#[test]
fn a_staged_rename_is_followed() -> anyhow::Result<()> {
    let stage = edited()?;
    stage.commit("agent")?;
    stage.git(["mv", "a.txt", "b.txt"])?;
    assert_eq!(stage.check("b.txt", 0)?, EDITED);
    stage.hand("b.txt", 0, &person("above", 1))?;
    assert_eq!(stage.check("b.txt", 0)?, format!("p{EDITED}"));
    Ok(())
}

#[test]
fn a_committed_rename_is_followed_also_twice_and_with_edits() -> anyhow::Result<()> {
    let mut stage = edited()?;
    stage.commit("agent")?;
    fs::create_dir(stage.path("dir"))?;
    stage.git(["mv", "a.txt", "dir/b.txt"])?;
    stage.hand("dir/b.txt", 15, &person("moved", 2))?;
    stage.commit("moved")?;
    assert_eq!(stage.check("dir/b.txt", 0)?, format!("{EDITED}pp"));
    stage.agent("dir/b.txt", 17, &agent("two", 1))?;
    stage.commit("two")?;
    stage.git(["mv", "dir/b.txt", "c.txt"])?;
    stage.commit("moved again")?;
    assert_eq!(stage.check("c.txt", 0)?, format!("{EDITED}ppa"));
    Ok(())
}

#[test]
fn a_move_without_git_is_followed() -> anyhow::Result<()> {
    let stage = edited()?;
    fs::rename(stage.path("a.txt"), stage.path("b.txt"))?;
    assert_eq!(stage.check("b.txt", 0)?, EDITED);
    stage.commit("moved")?;
    assert_eq!(stage.check("b.txt", 0)?, EDITED);
    Ok(())
}

#[test]
fn a_move_in_no_repository_is_followed() -> anyhow::Result<()> {
    let mut stage = Stage::bare()?;
    stage.write("a.txt", &person("begin", 4))?;
    stage.agent("a.txt", 2, &agent("one", 2))?;
    fs::create_dir(stage.path("dir"))?;
    fs::rename(stage.path("a.txt"), stage.path("dir/b.txt"))?;
    stage.hand("dir/b.txt", 0, &person("above", 1))?;
    assert_eq!(stage.check("dir/b.txt", 0)?, "pppaapp");
    Ok(())
}

#[test]
fn of_two_files_that_are_gone_none_is_guessed() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    for name in ["b.txt", "c.txt"] {
        stage.coder.writes("write", &stage.path(name), &agent("same", 4))?;
        stage.commit(name)?;
    }
    fs::remove_file(stage.path("b.txt"))?;
    fs::rename(stage.path("c.txt"), stage.path("d.txt"))?;
    assert_eq!(stage.check("d.txt", 4)?, "????");
    Ok(())
}

#[test]
fn a_file_that_was_there_all_along_is_not_taken_for_one_that_is_gone() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    // The agent writes a copy of it, and a person deletes that.
    let text = stage.read("a.txt")?;
    stage.coder.writes("write", &stage.path("b.txt"), &text)?;
    fs::remove_file(stage.path("b.txt"))?;
    assert_eq!(stage.check("a.txt", 0)?, "p".repeat(12));
    Ok(())
}
