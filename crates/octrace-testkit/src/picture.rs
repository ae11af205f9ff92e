//! A terminal's screen as a picture: text that a browser draws as the terminal did.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

/// The size of a cell, in the picture's units; letters are 14 of them high.
const CELL: (f32, f32) = (8.4, 18.0);

/// Around the screen.
const MARGIN: f32 = 12.0;

/// What an unmarked cell looks like.
const FOREGROUND: &str = "#d0d0d0";
const BACKGROUND: &str = "#16181d";

/// The first sixteen colours of a terminal.
const PALETTE: [&str; 16] = [
    "#3b4048", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d0d0d0",
    "#5c6370", "#ff7b86", "#b5e890", "#ffd68a", "#7cc5ff", "#e39bff", "#6fd3df", "#ffffff",
];

/// How a cell looks.
#[derive(Clone, PartialEq)]
struct Look {
    ink: String,
    paper: String,
    bold: bool,
    dim: bool,
    underlined: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (mut ink, mut paper) =
            (color(cell.fgcolor(), FOREGROUND), color(cell.bgcolor(), BACKGROUND));
        if cell.inverse() {
            std::mem::swap(&mut ink, &mut paper);
        }
        Self { ink, paper, bold: cell.bold(), dim: cell.dim(), underlined: cell.underline() }
    }
}

/// The screen as an SVG document.
pub(crate) fn svg(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let width = f32::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let Some(stretch) = stretch(screen, row, column) else { break };
            draw(&mut svg, row, &stretch);
            column = stretch.columns.1;
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Cells in a row that look the same.
struct Stretch {
    /// The first one's column, and that after the last one.
    columns: (u16, u16),
    look: Look,
    /// What they say, word by word, each with its own columns: letters may be wider or narrower where it is drawn.
    words: Vec<(u16, u16, String)>,
}

/// The cells from here on that look the same.
fn stretch(screen: &Screen, row: u16, start: u16) -> Option<Stretch> {
    let look = screen.cell(row, start).map(Look::of)?;
    let mut words: Vec<(u16, u16, String)> = Vec::new();
    let mut column = start;
    // The second half of a wide character belongs to the first, whatever it looks like.
    let belongs = |cell: &&Cell| cell.is_wide_continuation() || Look::of(cell) == look;
    while let Some(cell) = screen.cell(row, column).filter(belongs) {
        column += 1;
        let said = cell.contents().trim();
        match words.last_mut().filter(|(_, end, _)| *end + 1 == column) {
            Some((_, end, word)) if cell.is_wide_continuation() || !said.is_empty() => {
                word.push_str(said);
                *end = column;
            }
            None if !said.is_empty() => words.push((column - 1, column, said.to_owned())),
            _ => {}
        }
    }
    Some(Stretch { columns: (start, column), look, words })
}

fn draw(svg: &mut String, row: u16, stretch: &Stretch) {
    let Stretch { columns: (start, end), look, words } = stretch;
    let x = |column: u16| MARGIN + f32::from(column) * CELL.0;
    let width = |start: u16, end: u16| f32::from(end - start) * CELL.0;
    let y = MARGIN + f32::from(row) * CELL.1;
    let mut put = |element: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        svg.write_fmt(element).ok();
    };
    if look.paper != BACKGROUND {
        put(format_args!(
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>\n",
            x(*start),
            width(*start, *end),
            CELL.1,
            look.paper
        ));
    }
    let bold = if look.bold { " font-weight=\"bold\"" } else { "" };
    let dim = if look.dim { " fill-opacity=\"0.6\"" } else { "" };
    let underlined = if look.underlined { " text-decoration=\"underline\"" } else { "" };
    for (start, end, word) in words {
        let word = word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        put(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" fill=\"{}\"{bold}{dim}{underlined}>{word}</text>\n",
            x(*start),
            y + CELL.1 * 0.75,
            width(*start, *end),
            look.ink
        ));
    }
}

fn color(color: Color, default: &str) -> String {
    match color {
        Color::Default => default.to_owned(),
        Color::Idx(index) => PALETTE.get(usize::from(index)).map_or_else(
            || {
                let (red, green, blue) = of_cube(index);
                format!("#{red:02x}{green:02x}{blue:02x}")
            },
            |color| (*color).to_owned(),
        ),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

/// The other 240: a cube of six steps each way, then greys.
fn of_cube(index: u8) -> (u8, u8, u8) {
    if index >= 232 {
        let grey = 8 + (index - 232) * 10;
        return (grey, grey, grey);
    }
    let step = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
    let index = index.saturating_sub(16);
    (step(index / 36), step(index / 6 % 6), step(index % 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_drawn_as_it_looks() {
        let mut parser = vt100::Parser::new(
            std::num::NonZero::new(2).unwrap(),
            std::num::NonZero::new(12).unwrap(),
            0,
        );
        parser.process(b"\x1b[1;31mno\x1b[0m <b>&\r\n\x1b[7m\xe6\xbc\xa2\x1b[0m x");
        let svg = svg(parser.screen());
        let elements: Vec<&str> = svg.lines().filter(|line| line.contains("<text")).collect();
        assert_eq!(elements.len(), 4, "{svg}");
        assert!(elements[0].contains("font-weight=\"bold\"") && elements[0].contains(">no<"));
        assert!(elements[1].contains("x=\"37.2\"") && elements[1].contains(">&lt;b&gt;&amp;<"));
        assert!(elements[2].contains("textLength=\"16.8\"") && elements[2].contains(">漢<"));
        assert!(svg.contains(&format!("fill=\"{FOREGROUND}\"/>")), "what is reversed has paper");
    }
}
