//! What git does to a work tree between the agent's work and the question.

use octrace_testkit::Watched;

use super::stage::{EDITED, Stage, agent, edited, person};

#[test]
fn work_that_is_not_committed_is_known() -> anyhow::Result<()> {
    let stage = edited()?;
    assert_eq!(stage.check("a.txt", 0)?, EDITED);
    Ok(())
}

#[test]
fn edits_by_hand_are_a_persons_before_and_after_the_commit() -> anyhow::Result<()> {
    let stage = edited()?;
    stage.hand("a.txt", 3, &person("between", 1))?;
    stage.hand("a.txt", 0, &person("above", 2))?;
    let expected = "ppppapaapppppppppp";
    assert_eq!(stage.check("a.txt", 0)?, expected);
    stage.commit("both")?;
    assert_eq!(stage.check("a.txt", 0)?, expected);
    Ok(())
}

#[test]
fn a_commit_its_amend_and_a_reworded_one_change_nothing() -> anyhow::Result<()> {
    let mut stage = edited()?;
    stage.commit("agent")?;
    assert_eq!(stage.check("a.txt", 0)?, EDITED);
    stage.hand("a.txt", 15, &person("amended", 1))?;
    stage.git(["commit", "--quiet", "--all", "--amend", "--message", "both"])?;
    assert_eq!(stage.check("a.txt", 0)?, format!("{EDITED}p"));
    stage.agent("a.txt", 16, &agent("two", 1))?;
    stage.git(["commit", "--quiet", "--all", "--amend", "--no-edit"])?;
    assert_eq!(stage.check("a.txt", 0)?, format!("{EDITED}pa"));
    Ok(())
}

#[test]
fn a_rebase_leaves_the_agents_lines_the_agents() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.git(["switch", "--quiet", "--create", "topic"])?;
    stage.agent("a.txt", 2, &agent("one", 3))?;
    stage.commit("agent")?;
    stage.git(["switch", "--quiet", "main"])?;
    stage.hand("a.txt", 12, &person("main", 2))?;
    stage.commit("main goes on")?;
    stage.git(["switch", "--quiet", "topic"])?;
    stage.git(["rebase", "--quiet", "main"])?;
    assert_eq!(stage.check("a.txt", 0)?, format!("{EDITED}pp"));
    Ok(())
}

#[test]
fn a_squash_merge_keeps_who_wrote_what() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.git(["switch", "--quiet", "--create", "topic"])?;
    stage.agent("a.txt", 2, &agent("one", 3))?;
    stage.commit("agent")?;
    stage.hand("a.txt", 0, &person("topic", 1))?;
    stage.commit("person")?;
    stage.git(["switch", "--quiet", "main"])?;
    assert_eq!(stage.check("a.txt", 0)?, "p".repeat(12));
    stage.git(["merge", "--quiet", "--squash", "topic"])?;
    assert_eq!(stage.check("a.txt", 0)?, format!("p{EDITED}"));
    stage.git(["commit", "--quiet", "--message", "squashed"])?;
    stage.git(["branch", "--quiet", "-D", "topic"])?;
    assert_eq!(stage.check("a.txt", 0)?, format!("p{EDITED}"));
    Ok(())
}

#[test]
fn what_is_stashed_comes_back_as_it_was() -> anyhow::Result<()> {
    let mut stage = edited()?;
    stage.git(["stash", "--quiet"])?;
    assert_eq!(stage.check("a.txt", 0)?, "p".repeat(12));
    // The agent sees the file without its lines, and goes on.
    stage.agent("a.txt", 12, &agent("two", 1))?;
    stage.commit("two")?;
    stage.git(["stash", "pop", "--quiet"])?;
    assert_eq!(stage.check("a.txt", 0)?, format!("{EDITED}a"));
    Ok(())
}

#[test]
fn another_branch_and_back_is_as_it_was() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.git(["switch", "--quiet", "--create", "topic"])?;
    stage.agent("a.txt", 2, &agent("one", 3))?;
    stage.commit("agent")?;
    stage.git(["switch", "--quiet", "main"])?;
    stage.agent("a.txt", 12, &agent("other", 2))?;
    stage.commit("other")?;
    assert_eq!(stage.check("a.txt", 0)?, "ppppppppppppaa");
    stage.git(["switch", "--quiet", "topic"])?;
    assert_eq!(stage.check("a.txt", 0)?, EDITED);
    Ok(())
}

#[test]
fn what_a_shell_of_the_agent_checks_out_is_not_its_own() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.git(["switch", "--quiet", "--create", "topic"])?;
    stage.hand("a.txt", 12, &person("topic", 2))?;
    stage.commit("person")?;
    stage.git(["switch", "--quiet", "main"])?;
    let file = stage.path("a.txt");
    let folder = stage.path("");
    stage.coder.runs("git merge topic", Watched::Yes, &[&file], || {
        let git = std::process::Command::new("git")
            .current_dir(&folder)
            .args(["merge", "-q", "topic"])
            .status()?;
        anyhow::ensure!(git.success());
        Ok(())
    })?;
    assert_eq!(stage.check("a.txt", 2)?, "pppppppppppp??");
    Ok(())
}

#[test]
fn a_merge_with_a_conflict_keeps_both_sides() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    stage.git(["switch", "--quiet", "--create", "topic"])?;
    stage.agent("a.txt", 2, &agent("one", 2))?;
    stage.commit("agent")?;
    stage.git(["switch", "--quiet", "main"])?;
    stage.hand("a.txt", 2, &person("main", 2))?;
    stage.commit("person")?;
    stage.git_stops(["merge", "--quiet", "topic"])?;
    let text = stage.read("a.txt")?;
    let lines = text.lines().filter(|line| {
        !["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark))
    });
    let resolved: String = lines.map(|line| format!("{line}\n")).collect();
    stage.write("a.txt", &resolved)?;
    stage.hand("a.txt", 4, &person("resolved", 1))?;
    assert_eq!(stage.check("a.txt", 0)?, "pppppaapppppppppp");
    stage.commit("merged")?;
    assert_eq!(stage.check("a.txt", 0)?, "ppppp".to_owned() + "aa" + &"p".repeat(10));
    Ok(())
}

#[test]
fn what_a_revert_brings_back_is_whose_it_was() -> anyhow::Result<()> {
    let stage = edited()?;
    stage.commit("agent")?;
    stage.git(["revert", "--no-edit", "HEAD"])?;
    assert_eq!(stage.check("a.txt", 0)?, "p".repeat(12));
    stage.git(["revert", "--no-edit", "HEAD"])?;
    assert_eq!(stage.check("a.txt", 0)?, EDITED);
    Ok(())
}

#[test]
fn other_line_ends_are_no_change() -> anyhow::Result<()> {
    let stage = edited()?;
    stage.commit("agent")?;
    stage.git(["config", "core.autocrlf", "true"])?;
    std::fs::remove_file(stage.path("a.txt"))?;
    stage.git(["checkout", "--quiet", "--", "a.txt"])?;
    assert!(stage.read("a.txt")?.contains("\r\n"));
    assert_eq!(stage.check("a.txt", 0)?, EDITED);
    Ok(())
}

#[test]
fn a_file_that_was_deleted_and_is_there_again() -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let text = agent("one", 4);
    stage.coder.writes("write", &stage.path("b.txt"), &text)?;
    stage.commit("agent")?;
    std::fs::remove_file(stage.path("b.txt"))?;
    stage.commit("gone")?;
    stage.git(["checkout", "--quiet", "HEAD~1", "--", "b.txt"])?;
    assert_eq!(stage.check("b.txt", 0)?, "aaaa");
    Ok(())
}

#[test]
fn a_person_who_takes_up_the_file_is_named_with_the_commit() -> anyhow::Result<()> {
    let stage = edited()?;
    stage.git(["config", "user.name", "Grace"])?;
    stage.hand("a.txt", 15, &person("grace", 1))?;
    stage.commit("by Grace")?;
    let blamed = stage.json("a.txt")?;
    let (first, last) = (&blamed["lines"][0], &blamed["lines"][15]);
    assert_eq!(
        (&first["commit"]["author"], &first["commit"]["summary"]),
        (&"Ada".into(), &"begin".into())
    );
    assert_eq!(
        (&last["commit"]["author"], &last["commit"]["summary"]),
        (&"Grace".into(), &"by Grace".into())
    );
    Ok(())
}

#[test]
fn no_commits_and_no_git_are_no_obstacle() -> anyhow::Result<()> {
    let mut stage = Stage::bare()?;
    stage.write("a.txt", &person("begin", 3))?;
    stage.agent("a.txt", 1, &agent("one", 2))?;
    stage.hand("a.txt", 5, &person("later", 1))?;
    assert_eq!(stage.check("a.txt", 0)?, "paappp");
    stage.git(["init", "--quiet"])?;
    assert_eq!(stage.check("a.txt", 0)?, "paappp");
    stage.git(["add", "a.txt"])?;
    assert_eq!(stage.check("a.txt", 0)?, "paappp");
    Ok(())
}
