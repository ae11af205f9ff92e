//! A tool call, and for a `task` what its sub-agent did.

use octrace_core::session::ToolCall;

use super::{Tree, spend, tool_mark};
use crate::text::{
    Paint, figures,
    grid::{Column, Node, Row},
    line::Line,
};

impl Tree<'_> {
    pub(super) fn tool(&self, tool: &ToolCall) -> Node {
        let (paint, mark) = tool_mark(tool.status, tool.exit, self.style);
        let mut text = Line::new().put(paint, mark).put(Paint::Strong, &tool.tool);
        if !tool.subject.is_empty() {
            text =
                text.put(Paint::Plain, " ").put(Paint::Plain, self.inside_directory(&tool.subject));
        }
        if let Some(agent) = tool.child.as_ref().and_then(|child| child.agent.as_deref()) {
            text = text.put(Paint::Dim, self.style.glyph(" · ", " - ")).put(Paint::Meta, agent);
        }
        let mut row = Row::new(text);
        if let Some(exit) = tool.exit.filter(|exit| *exit != 0) {
            row = row.set(Column::Status, Paint::Warn, format!("exit {exit}"));
        }
        if let (Some(start), Some(end)) = (tool.started_us, tool.ended_us) {
            row = row.set(Column::Time, Paint::Plain, figures::duration(end.saturating_sub(start)));
        }

        let mut children = Vec::new();
        if let Some(error) = &tool.error {
            let text = Line::new().put(Paint::Bad, error);
            children.push(text.into());
        }
        match (&tool.child, &tool.child_id) {
            (Some(child), _) => {
                row = spend(row, &child.totals_with_sub_agents(), Paint::Dim);
                children.extend(self.inside(child));
            }
            (None, Some(id)) => {
                let text = Line::new().put(Paint::Dim, "session ").put(Paint::Dim, id);
                children.push(text.put(Paint::Dim, ", not shown here").into());
            }
            (None, None) => {}
        }
        Node { row, children }
    }

    /// A path without the session's directory; anything else as it is.
    fn inside_directory<'t>(&self, subject: &'t str) -> &'t str {
        let directory = self.directory.unwrap_or_default().trim_end_matches('/');
        let inside = subject.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
        inside.filter(|rest| !rest.is_empty() && !directory.is_empty()).unwrap_or(subject)
    }
}
