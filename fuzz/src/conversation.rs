//! Conversations as tracing backends get them: whatever stands in a request and its answer, in any dialect, is told in
//! bounded room, cut and redacted without an end of any string being lost, and says nothing where nothing is to be said.
//!
//! An input is a request's body, and then, behind a line of `---`, its answer's.

use octrace_core::{
    provider::Dialect,
    redact::Redactor,
    trace::{ModelSpan, Part, Span, What, content, id::SpanId},
};
use serde_json::Value;

/// Between the request and its answer.
const BETWEEN: &[u8] = b"\n---\n";

/// Bytes that a span keeps at most in one of the checks: where texts have to be cut.
const ROOM: usize = 16 << 10;

/// The input is what was asked and answered.
pub fn holds(input: &[u8]) {
    let between = input.windows(BETWEEN.len()).position(|at| at == BETWEEN);
    let (request, answer) = match between {
        Some(at) => (&input[..at], &input[at + BETWEEN.len()..]),
        None => (input, &[][..]),
    };
    for dialect in Dialect::ALL {
        for content_type in ["text/event-stream", "application/json"] {
            let span = read(dialect, request, content_type, answer);
            // Each string once, and what stands for a string that is none.
            let told = strings(&span).map(String::len).sum::<usize>();
            assert!(told <= 8 * input.len() + 4096, "{told} bytes told of {}", input.len());

            let mut clean = span.clone();
            clean.redact(&Redactor::new(""));
            for (before, after) in jsons(&span).into_iter().zip(jsons(&clean)) {
                assert!(!is_json(before) || is_json(after), "redacted JSON stays JSON");
            }

            let mut less = span.clone();
            let is_cut = less.trim(ROOM);
            assert!(is_cut || less == span, "what fits stays as it is");
            let mut again = less.clone();
            again.trim(ROOM);
            assert_eq!(again, less, "what was cut fits");

            let mut silent = span;
            silent.without_content();
            assert!(texts(&silent).all(String::is_empty), "text where there is to be none");
        }
    }
}

fn read(dialect: Dialect, request: &[u8], content_type: &str, answer: &[u8]) -> Span {
    let mut model = ModelSpan { dialect, ..ModelSpan::default() };
    let answer = Some((content_type, answer));
    content::read(&mut model, request, answer, true, &mut content::Known::default());
    Span {
        id: SpanId::default(),
        parent: None,
        started_us: 0,
        ended_us: 0,
        failure: None,
        what: What::Model(Box::new(model)),
    }
}

fn parts(span: &Span) -> impl Iterator<Item = &Part> {
    let said = match &span.what {
        What::Model(model) => Some(&model.said),
        What::Turn(_) | What::Tool(_) => None,
    };
    said.into_iter().flat_map(|said| {
        let messages = said.input.iter().chain(&said.output);
        said.system.iter().chain(messages.flat_map(|message| &message.parts))
    })
}

fn texts(span: &Span) -> impl Iterator<Item = &String> {
    parts(span).filter_map(|part| match part {
        Part::Text(text) | Part::Reasoning(text) => Some(text),
        _ => None,
    })
}

fn jsons(span: &Span) -> Vec<&String> {
    let calls = parts(span).filter_map(|part| match part {
        Part::Call { arguments, .. } => Some(arguments),
        _ => None,
    });
    calls.collect()
}

fn strings(span: &Span) -> impl Iterator<Item = &String> {
    texts(span).chain(jsons(span))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}
