//! What the tape's sessions need on the disk, and what pruning took or would take.

use octrace_store::prune::{Plan, Pruned, SessionUsage, Usage};

use super::{Paint, Style, figures, line::Line};

/// The columns of figures: each with its name and width.
const COLUMNS: [(&str, usize); 5] =
    [("size", 7), ("shared", 8), ("req", 6), ("events", 8), ("when", 9)];

/// How much each session needs, the one that needs most first; `quota` is what the tape may take, in bytes. `now_us`
/// is the time, µs since the Unix epoch.
pub fn usage(
    usage: &Usage,
    quota: Option<u64>,
    style: &Style,
    now_us: i64,
    width: usize,
) -> String {
    let mut out = String::new();
    if !usage.sessions.is_empty() {
        table(&usage.sessions, style, now_us, width, &mut out);
        out.push('\n');
    }
    let size = usage.size;
    let quota = match quota {
        Some(bytes) => format!(", {} allowed", figures::bytes(bytes)),
        None => ", no quota".to_owned(),
    };
    let total = format!("{} on the disk", figures::bytes(size.on_disk()));
    Line::new().put(Paint::Strong, &total).plain(&quota).fit(width, style).render(style, &mut out);
    let mut of_it = vec![
        format!("{} shared by several sessions", figures::bytes(usage.shared_bytes)),
        format!("{} free in the file", figures::bytes(size.free)),
        format!("{} in its log", figures::bytes(size.log)),
    ];
    if usage.parcel_bytes > 0 {
        let packed = figures::bytes(usage.parcel_bytes);
        of_it.insert(1, format!("{packed} to be delivered"));
    }
    Line::new()
        .dotted(style, Paint::Dim, of_it.iter().map(String::as_str))
        .fit(width, style)
        .render(style, &mut out);
    out
}

/// What a pruning would take.
pub fn would_prune(plan: &Plan, style: &Style, now_us: i64, width: usize) -> String {
    let mut out = String::new();
    let sessions = &plan.sessions;
    if !sessions.is_empty() {
        table(sessions, style, now_us, width, &mut out);
    }
    let bytes = sessions.iter().map(|session| session.bytes).sum();
    let count = figures::many(sessions.len() as u64, "session");
    let said = format!("would prune {count}, about {}", figures::bytes(bytes));
    Line::new().put(Paint::Strong, &said).fit(width, style).render(style, &mut out);
    if plan.trimmed_bytes > 0 {
        let bytes = figures::bytes(plan.trimmed_bytes);
        let said = format!("and the oldest requests of what stays, at most about {bytes}");
        Line::new().put(Paint::Strong, &said).fit(width, style).render(style, &mut out);
    }
    out
}

/// What went, and how much became free on the disk, in bytes.
pub fn pruned(pruned: &Pruned, freed: u64, style: &Style) -> String {
    let mut out = String::new();
    let freed_said = figures::bytes(freed);
    let said = match (*pruned == Pruned::default(), freed) {
        (true, 0) => "nothing to prune".to_owned(),
        (true, _) => format!("nothing to prune; {freed_said} that lay free given back"),
        (false, _) => {
            let sessions = figures::many(pruned.sessions, "session");
            let exchanges = figures::many(pruned.exchanges, "request");
            let events = figures::many(pruned.events, "event");
            format!("pruned {sessions}, {exchanges}, {events}; {freed_said} freed")
        }
    };
    Line::new().plain(&said).render(style, &mut out);
    out
}

/// Why the tape stays larger than it was to become; nothing where it does not. Sizes are bytes: what was wanted, of
/// the tape, of the sessions that stay, and of an empty tape.
pub fn too_large(wanted: u64, left: u64, content: u64, empty: u64) -> Option<String> {
    let [wanted_said, left_said, content, empty] =
        [wanted, left, content, empty].map(figures::bytes);
    (left > wanted).then(|| {
        format!(
            "the tape takes {left_said}, not {wanted_said}: {empty} is what an empty one takes, and {content} the \
             newest session and what is being recorded, which stay"
        )
    })
}

fn table(sessions: &[SessionUsage], style: &Style, now_us: i64, width: usize, out: &mut String) {
    let mut line = Line::new();
    let mut end = 0;
    for (name, width) in COLUMNS {
        end += width;
        line = line.pad(end - name.len()).put(Paint::Dim, name);
    }
    line.layout(Paint::Plain, "  ").put(Paint::Dim, "session").render(style, out);
    for session in sessions {
        row(session, style, now_us, width, out);
    }
}

fn row(session: &SessionUsage, style: &Style, now_us: i64, width: usize, out: &mut String) {
    let cells = [
        figures::bytes(session.bytes),
        figures::bytes(session.shared_bytes),
        figures::count_or_blank(session.exchanges),
        figures::count_or_blank(session.events),
        figures::ago(session.updated_us, now_us, style),
    ];
    let mut line = Line::new();
    let mut end = 0;
    for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
        end += width;
        line = line.pad(end.saturating_sub(super::line::width(cell))).plain(cell);
    }
    let title = session.title.as_deref().unwrap_or("(untitled)");
    line.layout(Paint::Plain, "  ")
        .plain(&session.id)
        .layout(Paint::Plain, "  ")
        .put(Paint::Dim, title)
        .fit(width, style)
        .render(style, out);
}

#[cfg(test)]
mod tests {
    use octrace_store::prune::Size;

    use super::*;

    fn session(id: &str, bytes: u64) -> SessionUsage {
        SessionUsage {
            id: id.to_owned(),
            title: Some("Fix the\u{1b}[2J date".to_owned()),
            updated_us: 1_000_000,
            exchanges: 12,
            events: 1_340,
            bytes,
            shared_bytes: 48_000,
            ..SessionUsage::default()
        }
    }

    #[test]
    fn sizes_stand_under_each_other() {
        let size = Size { database: 2_000_000, free: 4_096, log: 50_000 };
        let figures = Usage {
            sessions: vec![session("ses_a", 1_200_000), session("ses_b", 900)],
            shared_bytes: 48_000,
            parcel_bytes: 7_000,
            size,
        };
        let text = usage(&figures, Some(2 << 30), &Style::plain(), 61_000_000, 120);
        insta::assert_snapshot!(text, @"
           size  shared   req  events     when  session
         1.2 MB   48 kB    12    1.3k       1m  ses_a  Fix the␛[2J date
          900 B   48 kB    12    1.3k       1m  ses_b  Fix the␛[2J date

        2.0 MB on the disk, 2.1 GB allowed
        48 kB shared by several sessions · 7.0 kB to be delivered · 4.1 kB free in the file · 50 kB in its log
        ");
        let plan = Plan { sessions: figures.sessions, trimmed_bytes: 5_000, ..Plan::default() };
        let text = would_prune(&plan, &Style::plain(), 61_000_000, 120);
        let text: Vec<_> = text.lines().skip(3).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        would prune 2 sessions, about 1.2 MB
        and the oldest requests of what stays, at most about 5.0 kB
        ");
        let went = Pruned { sessions: 2, exchanges: 1, events: 1_340, parts: 7 };
        insta::assert_snapshot!(pruned(&went, 1_200_900, &Style::plain()), @"pruned 2 sessions, 1 request, 1,340 events; 1.2 MB freed");
        let nothing = [0, 33_000].map(|freed| pruned(&Pruned::default(), freed, &Style::plain()));
        insta::assert_snapshot!(nothing.concat(), @"
        nothing to prune
        nothing to prune; 33 kB that lay free given back
        ");
        assert_eq!(too_large(258_000, 258_000, 13_000, 205_000), None);
        let why = too_large(50_000, 258_000, 13_000, 205_000);
        insta::assert_snapshot!(why.unwrap_or_default(), @"the tape takes 258 kB, not 50 kB: 205 kB is what an empty one takes, and 13 kB the newest session and what is being recorded, which stay");
    }
}
