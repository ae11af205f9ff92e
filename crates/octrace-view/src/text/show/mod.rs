//! One session as a tree: prompts, under them model calls, under those tools, under a `task` the turns
//! of its sub-agent.

mod call;
mod status;
mod tool;

pub(crate) use status::{status, tool_mark};

use octrace_core::session::{ModelCall, Session, Totals, Turn};

use super::{
    Paint, Style, figures,
    grid::{Column, Grid, Node, Row},
    line::Line,
};

/// Narrower terminals wrap: a session's id has 30 characters. In wider ones the figures would stand far
/// from what they are about.
const WIDTHS: (usize, usize) = (30, 120);

/// The session for a terminal of `width` columns.
pub fn show(session: &Session, style: &Style, width: usize) -> String {
    let sums = Sums { shown: session.totals_with_sub_agents(), whole: None };
    draw(session, &sums, style, width)
}

/// The same for a session of which a filter has left a part; `whole` are the sums before, with sub-agents.
pub fn show_part(session: &Session, whole: &Totals, style: &Style, width: usize) -> String {
    let sums = Sums { shown: session.totals_with_sub_agents(), whole: Some(*whole) };
    draw(session, &sums, style, width)
}

/// What is shown adds up to, with sub-agents, and where that is a part, of how much.
struct Sums {
    shown: Totals,
    whole: Option<Totals>,
}

fn draw(session: &Session, sums: &Sums, style: &Style, width: usize) -> String {
    let width = width.clamp(WIDTHS.0, WIDTHS.1);
    let view = Tree::of(session, style);

    let mut out = String::new();
    header(session, style, width, &mut out);
    let blocks = view.blocks(session);
    if blocks.is_empty() {
        out.push('\n');
        let text = match &sums.whole {
            None => "Nothing of this session's work has been recorded yet.".to_owned(),
            Some(whole) => {
                format!("Nothing of it fits the filter; {} recorded.", requests(whole))
            }
        };
        Line::new().put(Paint::Dim, &text).fit(width, style).render(style, &mut out);
        return out;
    }
    let (name, total) = match &sums.whole {
        None => ("total", total_row(session, &sums.shown, style)),
        Some(whole) => ("shown", part_row(&sums.shown, whole, style)),
    };
    let grid = Grid::new(style, width, &blocks, &total);
    out.push('\n');
    grid.header(Line::new(), &mut out);
    for block in &blocks {
        grid.tree(block, &mut out);
        out.push('\n');
    }
    grid.named(Line::new().put(Paint::Strong, name), total, &mut out);
    grid.footnote(&mut out);
    out
}

fn header(session: &Session, style: &Style, width: usize, out: &mut String) {
    let id = Line::new().put(Paint::Dim, &session.id);
    let title = Line::new().put(Paint::Strong, session.title.as_deref().unwrap_or("(untitled)"));
    let room = width.saturating_sub(id.width() + 2);
    let line = if room < 16 { title.fit(width, style) } else { title.fit(room, style) };
    if line.width() + 2 + id.width() <= width {
        let column = width - id.width();
        line.pad(column).join(id).render(style, out);
    } else {
        line.render(style, out);
        id.fit(width, style).render(style, out);
    }

    let models = models(session);
    let version = session.version.as_ref().map(|version| format!("OpenCode {version}"));
    let created = (session.created_us != 0).then(|| style.date_time(session.created_us));
    let parent = session.parent.as_ref().map(|parent| format!("sub-agent of {parent}"));
    let facts = [&session.agent, &version, &created, &parent];
    let facts = facts.into_iter().filter_map(|fact| fact.as_deref());
    let facts = models.iter().copied().chain(facts);
    Line::new().dotted(style, Paint::Dim, facts).fit(width, style).render(style, out);
    if let Some(directory) = &session.directory {
        Line::new().put(Paint::Dim, directory).fit(width, style).render(style, out);
    }
}

/// The models that answered in the conversation, most used first.
fn models(session: &Session) -> Vec<&str> {
    let mut models: Vec<(usize, &str)> = Vec::new();
    for call in session.calls().filter(|call| !call.purpose.is_meta()) {
        let Some(model) = call.model.as_deref() else { continue };
        match models.iter_mut().find(|(_, known)| *known == model) {
            Some((uses, _)) => *uses += 1,
            None => models.push((1, model)),
        }
    }
    models.sort_by_key(|(uses, _)| std::cmp::Reverse(*uses));
    models.into_iter().map(|(_, model)| model).collect()
}

fn requests(totals: &Totals) -> String {
    figures::many(totals.requests, "request")
}

/// How much of it is shown.
fn part_row(shown: &Totals, whole: &Totals, style: &Style) -> Row {
    let of = format!("{} of {}", figures::grouped(shown.requests), requests(whole));
    let row = Row::new(errors(Line::new().put(Paint::Plain, &of), shown, style));
    spend(row, shown, Paint::Strong)
}

fn errors(text: Line, totals: &Totals, style: &Style) -> Line {
    if totals.errors == 0 {
        return text;
    }
    let errors = figures::many(totals.errors, "error");
    text.put(Paint::Dim, style.glyph(" · ", " - ")).put(Paint::Bad, &errors)
}

fn total_row(session: &Session, totals: &Totals, style: &Style) -> Row {
    let sub_agents = descendants(session);
    let text = Line::new().dotted(
        style,
        Paint::Plain,
        [
            figures::many(session.asked_turns().count() as u64, "turn").as_str(),
            &requests(totals),
            &if sub_agents == 0 { String::new() } else { figures::many(sub_agents, "sub-agent") },
        ],
    );
    let text = errors(text, totals, style);
    let took = session
        .turns
        .iter()
        .filter_map(|turn| Some(turn.ended_us?.saturating_sub(turn.started_us)));
    let took = took.fold(0_i64, i64::saturating_add);
    let row = Row::new(text);
    let row =
        if took > 0 { row.set(Column::Time, Paint::Strong, figures::duration(took)) } else { row };
    spend(row, totals, Paint::Strong)
}

fn descendants(session: &Session) -> u64 {
    session.sub_agents().map(|child| 1 + descendants(child)).sum()
}

/// Tokens and cost into their columns.
fn spend(row: Row, totals: &Totals, paint: Paint) -> Row {
    let usage = &totals.usage;
    row.set(Column::Input, paint, figures::count_or_blank(usage.input))
        .set(Column::Cached, Paint::Dim, figures::count_or_blank(usage.cache_read))
        .set(Column::Output, paint, figures::count_or_blank(usage.output))
        .set(Column::Thought, Paint::Dim, figures::count_or_blank(usage.reasoning))
        .set(Column::Cost, paint, figures::dollars(totals.cost_usd))
}

/// Makes the nodes of a session's tree.
struct Tree<'a> {
    style: &'a Style,
    /// The session's own agent, which goes without saying.
    agent: Option<&'a str>,
    /// Where the session works: paths in it are shown without it.
    directory: Option<&'a str>,
}

impl<'a> Tree<'a> {
    fn of(session: &'a Session, style: &'a Style) -> Self {
        let directory = session.directory.as_deref();
        Self { style, agent: session.agent.as_deref(), directory }
    }
}

impl Tree<'_> {
    /// What stands side by side in a session: its turns, and what belongs to none.
    fn blocks(&self, session: &Session) -> Vec<Node> {
        let mut blocks: Vec<Node> = session.turns.iter().map(|turn| self.turn(turn)).collect();
        if !session.unplaced.is_empty() {
            let text = Line::new().put(Paint::Dim, "outside any recorded turn");
            let children = session.unplaced.iter().map(|call| self.call(call)).collect();
            blocks.push(Node { row: Row::new(text), children });
        }
        blocks.extend(session.children.iter().map(|child| self.stray(child)));
        blocks.extend(session.errors.iter().map(|error| self.error(error)));
        blocks
    }

    fn turn(&self, turn: &Turn) -> Node {
        let mark = Line::new().put(Paint::Accent, self.style.glyph("❯ ", "> "));
        let prompt = first_line(&turn.prompt);
        let text = match prompt {
            _ if turn.compaction => mark.put(Paint::Meta, &turn.prompt),
            "" => mark.put(Paint::Dim, "(a prompt without text)"),
            prompt if turn.reply.is_some() => {
                let answered = self.style.glyph(" · answered by octrace", " - answered by octrace");
                mark.put(Paint::Plain, prompt).put(Paint::Dim, answered)
            }
            prompt => mark.put(Paint::Strong, prompt),
        };
        let mut totals: Totals = turn.calls.iter().map(ModelCall::totals).collect();
        for child in
            turn.calls.iter().flat_map(|call| &call.tools).filter_map(|tool| tool.child.as_ref())
        {
            totals.merge(&child.totals_with_sub_agents());
        }
        let row = match turn.ended_us {
            // It takes no time to speak of, and work that it interrupted has its own.
            _ if turn.reply.is_some() => Row::new(text),
            Some(end) => {
                let took = figures::duration(end.saturating_sub(turn.started_us));
                Row::new(text).set(Column::Time, Paint::Strong, took)
            }
            None if turn.calls.iter().any(is_open) => {
                Row::new(text).set(Column::Time, Paint::Warn, "…".to_owned())
            }
            None => Row::new(text.put(Paint::Warn, " (unfinished)")),
        };
        let mut children: Vec<Node> = turn.calls.iter().map(|call| self.call(call)).collect();
        children.extend(turn.errors.iter().map(|error| self.error(error)));
        Node { row: spend(row, &totals, Paint::Strong), children }
    }

    /// A sub-agent's session for which no call is known.
    fn stray(&self, session: &Session) -> Node {
        let text = Line::new().put(Paint::Dim, "sub-agent ");
        let name = session.title.as_deref().or(session.agent.as_deref()).unwrap_or(&session.id);
        let row = Row::new(text.put(Paint::Strong, name));
        Node {
            row: spend(row, &session.totals_with_sub_agents(), Paint::Plain),
            children: self.inside(session),
        }
    }

    /// The blocks of a sub-agent's session.
    fn inside(&self, session: &Session) -> Vec<Node> {
        Tree::of(session, self.style).blocks(session)
    }

    fn error(&self, error: &str) -> Node {
        let mark = self.style.glyph("✗ ", "x ");
        Line::new().put(Paint::Bad, mark).put(Paint::Bad, error).into()
    }
}

/// Whether an exchange is under way for it, in a sub-agent's session or its own.
fn is_open(call: &ModelCall) -> bool {
    let mut children = call.tools.iter().filter_map(|tool| tool.child.as_ref());
    call.attempts.iter().any(|attempt| attempt.outcome.is_open())
        || children.any(|child| child.calls().any(is_open))
}

/// The first line with something on it.
fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
