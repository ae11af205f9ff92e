//! What is known of a file's lines: a few hundred bytes for each exchange, and never a body.
//!
//! Lines are added in their order. A response and an error belong to the newest request before them that has their
//! session and their number; numbers begin anew with each process that wrote into the file. What has no request stands for itself.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
    sync::Arc,
};

use octrace_core::{
    exchange::{Outcome, Purpose},
    provider::{Dialect, Message, ToolRequest, ToolResult, Usage},
    session::{self, ToolStatus, Totals},
};

use super::{
    body,
    counts::Counts,
    line::{self, Kind, NoRecord, Record},
};

/// How much of a prompt is kept, in characters.
const PROMPT: usize = 300;

/// How much of an error.
const ERROR: usize = 500;

/// How much of a title, as OpenCode does it.
const TITLE: usize = 100;

/// How much of a word: a model's name, an agent's.
const WORD: usize = 200;

/// Arguments of a tool call that are longer say nothing in a list.
const ARGUMENTS: usize = 1 << 20;

/// Nothing, among numbers.
const NONE: u32 = u32::MAX;

/// What a file says.
#[derive(Default)]
pub(super) struct Index {
    pub(super) parts: Vec<Part>,
    pub(super) entries: Vec<Entry>,
    pub(super) tools: Vec<Tool>,
    /// Lines that are not whole, or no JSON.
    pub(super) broken: u64,
    part_of: HashMap<Arc<str>, u32>,
    open: HashMap<(u32, u64), u32>,
    words: HashSet<Arc<str>>,
    newest_us: i64,
    /// What changed since it was asked for last.
    changes: Changes,
}

/// What is different now.
#[derive(Default)]
pub(super) struct Changes {
    /// Parts with other figures.
    pub(super) parts: BTreeSet<u32>,
    /// Entries that were there before, with their tools.
    pub(super) entries: BTreeSet<u32>,
    /// Tools that were there before.
    pub(super) tools: BTreeSet<u32>,
}

/// What a file has of a session.
pub(super) struct Part {
    pub(super) session: Arc<str>,
    /// Its entries, in their order.
    pub(super) exchanges: Vec<u32>,
    pub(super) totals: Totals,
    pub(super) wire_bytes: u64,
    pub(super) models: Counts<Arc<str>>,
    pub(super) agents: Counts<Arc<str>>,
    pub(super) statuses: Counts<u16>,
    pub(super) tools: Counts<Arc<str>>,
    /// Of the calls whose result says that they failed.
    pub(super) failed_tools: Counts<Arc<str>>,
    /// When its first line was written, and its last; both 0 before there is one.
    pub(super) span_us: (i64, i64),
    /// What was answered to the wish for a title.
    pub(super) title: Option<Box<str>>,
    /// The beginning of its first prompt.
    pub(super) prompt: Option<Box<str>>,
    /// How many entries may still get an answer.
    pub(super) waiting: u64,
    /// The newest entry of each purpose.
    newest: [u32; 4],
    /// The last prompt's place among the messages, and what it says.
    last_prompt: Option<(usize, u64)>,
    /// Tool calls without a result.
    pub(super) calls: HashMap<u64, u32>,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) offset: u64,
    /// 0 where there is no line.
    pub(super) length: u32,
}

/// An exchange.
pub(super) struct Entry {
    pub(super) part: u32,
    /// Its place in [`Part::exchanges`].
    pub(super) place: u32,
    pub(super) key: u64,
    pub(super) request: Span,
    pub(super) response: Span,
    pub(super) request_bytes: u32,
    pub(super) response_bytes: u32,
    pub(super) at_us: i64,
    pub(super) ended_us: Option<i64>,
    pub(super) status: Option<u16>,
    pub(super) dialect: Dialect,
    pub(super) purpose: Purpose,
    /// Whether a later request shows that nobody waits for the answer any more.
    is_given_up: bool,
    pub(super) agent: Option<Arc<str>>,
    pub(super) model: Option<Arc<str>>,
    pub(super) finish: Option<Arc<str>>,
    pub(super) usage: Option<Box<Usage>>,
    pub(super) failure: Option<Box<Failure>>,
    /// What the provider said went wrong.
    pub(super) error: Option<Box<str>>,
    /// The prompt that it is the first request for.
    pub(super) prompt: Option<Box<str>>,
    /// Of the index's.
    pub(super) tools: Range<u32>,
    /// Which try of the same call it is, from 1.
    pub(super) attempt: u32,
    /// An earlier entry with the same number that has no answer either.
    shadows: u32,
}

/// An error line.
pub(super) struct Failure {
    pub(super) line: Span,
    pub(super) error: Box<str>,
    is_abort: bool,
}

/// A tool call that an answer asks for.
pub(super) struct Tool {
    pub(super) entry: u32,
    pub(super) name: Arc<str>,
    pub(super) subject: Box<str>,
    pub(super) status: ToolStatus,
    pub(super) ended_us: Option<i64>,
}

impl Entry {
    /// How it stands; `is_live`: whether the file still grows.
    pub(super) fn outcome(&self, is_live: bool) -> Outcome {
        match &self.failure {
            Some(failure) if failure.is_abort => Outcome::Aborted,
            Some(_) if self.response.length > 0 => Outcome::Cut,
            Some(_) => Outcome::Failed,
            None if self.response.length > 0 => Outcome::Complete,
            None if is_live && !self.is_given_up => Outcome::Waiting,
            None => Outcome::Cut,
        }
    }

    /// Whether it sends the same again after a failure, as far as was known when it was sent.
    fn repeats(&self, before: &Self) -> bool {
        before.is_error()
            && !before.is_unanswered()
            && before.agent == self.agent
            && before.request_bytes == self.request_bytes
            && self.request_bytes > 0
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.is_unanswered() && !self.is_given_up
    }

    /// Whether nothing came of it.
    pub(super) fn is_unanswered(&self) -> bool {
        self.failure.is_none() && self.response.length == 0
    }

    /// What went wrong.
    pub(super) fn said(&self) -> Option<&str> {
        self.failure.as_ref().map(|failure| &*failure.error).or(self.error.as_deref())
    }

    /// Whether something went wrong, as far as the file tells.
    pub(super) fn is_error(&self) -> bool {
        self.outcome(true).is_error(self.status, self.error.is_some())
    }
}

impl Index {
    /// Adds the line that stands at `at`. Says whether it was a record.
    pub(super) fn add(&mut self, at: u64, line: &[u8], nameless: &str) -> bool {
        let record = match line::read(line) {
            Ok(record) => record,
            Err(NoRecord::Broken) => {
                self.broken += 1;
                return false;
            }
            Err(NoRecord::Blank | NoRecord::Unknown) => return false,
        };
        // A line of more than 4 GiB is not held in memory, and so never comes here.
        let length = u32::try_from(line.len()).unwrap_or(NONE);
        let span = Span { offset: at, length };
        let part = self.part(line::text(record.session).as_deref().unwrap_or(nameless));
        let at_us = record.at_us().unwrap_or(self.newest_us);
        self.newest_us = at_us;
        match record.kind {
            Kind::Request => self.request(part, span, at_us, &record),
            Kind::Response | Kind::Error => {
                let entry = self.answered(part, at_us, &record);
                let before = self.figures(entry);
                if record.kind == Kind::Response {
                    self.response(entry, span, at_us, &record);
                } else {
                    self.error(entry, span, at_us, &record);
                }
                self.count(entry, before);
                self.changes.entries.insert(entry);
            }
        }
        let span_us = &mut self.parts[part as usize].span_us;
        let first = if span_us.0 == 0 { at_us } else { span_us.0.min(at_us) };
        *span_us = (first, span_us.1.max(at_us));
        self.changes.parts.insert(part);
        true
    }

    /// The part of a session, from now on if not before.
    pub(super) fn part(&mut self, session: &str) -> u32 {
        if let Some(part) = self.part_of.get(session) {
            return *part;
        }
        let number = self.parts.len() as u32;
        let session: Arc<str> = session.into();
        self.part_of.insert(session.clone(), number);
        self.parts.push(Part {
            session,
            exchanges: Vec::new(),
            totals: Totals::default(),
            wire_bytes: 0,
            models: Counts::default(),
            agents: Counts::default(),
            statuses: Counts::default(),
            tools: Counts::default(),
            failed_tools: Counts::default(),
            span_us: (0, 0),
            title: None,
            prompt: None,
            waiting: 0,
            newest: [NONE; 4],
            last_prompt: None,
            calls: HashMap::new(),
        });
        self.changes.parts.insert(number);
        number
    }

    /// The part of a session; `None` where the file has nothing of it.
    pub(super) fn part_of(&self, session: &str) -> Option<&Part> {
        self.parts.get(*self.part_of.get(session)? as usize)
    }

    /// What changed since the last time.
    pub(super) fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// What is open has changed its meaning: nobody writes any more.
    pub(super) fn end(&mut self) {
        for part in &self.parts {
            let newest = part.newest.iter().filter(|entry| **entry != NONE);
            self.changes.entries.extend(newest);
            self.changes.tools.extend(part.calls.values());
        }
        self.changes.parts.extend(0..self.parts.len() as u32);
    }

    fn word(&mut self, word: &str) -> Arc<str> {
        let word: String = word.chars().take(WORD).collect();
        match self.words.get(word.as_str()) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<str> = word.into();
                self.words.insert(new.clone());
                new
            }
        }
    }

    /// A new entry.
    fn begin(&mut self, part: u32, at_us: i64, record: &Record<'_>) -> u32 {
        let number = self.entries.len() as u32;
        let url = line::text(record.url).unwrap_or_default();
        let agent = line::text(record.agent).map(|agent| self.word(&agent));
        let purpose = match (line::text(record.purpose), &agent) {
            (Some(purpose), _) => Purpose::parse(&purpose),
            (None, Some(agent)) => Purpose::of_agent(agent),
            (None, None) => purpose_of_shape(record),
        };
        let model = line::text(record.asked.model).or_else(|| model_in_url(&url));
        let model = model.map(|model| self.word(&model));
        let of = &mut self.parts[part as usize];
        let place = of.exchanges.len() as u32;
        of.exchanges.push(number);
        self.entries.push(Entry {
            part,
            place,
            key: record.key(),
            request: Span::default(),
            response: Span::default(),
            request_bytes: 0,
            response_bytes: 0,
            at_us,
            ended_us: None,
            status: None,
            dialect: Dialect::detect(None, &url, record.body),
            purpose,
            is_given_up: false,
            agent,
            model,
            finish: None,
            usage: None,
            failure: None,
            error: None,
            prompt: None,
            tools: 0..0,
            attempt: 1,
            shadows: NONE,
        });
        number
    }

    fn request(&mut self, part: u32, span: Span, at_us: i64, record: &Record<'_>) {
        let number = self.begin(part, at_us, record);
        let purpose = self.entries[number as usize].purpose;
        let newest = &mut self.parts[part as usize].newest[purpose as usize];
        let before = std::mem::replace(newest, number);
        if self.entries.get(before as usize).is_some_and(Entry::is_waiting) {
            let figures = self.figures(before);
            self.entries[before as usize].is_given_up = true;
            self.count(before, figures);
            self.changes.entries.insert(before);
        }
        let shadows = self.open.insert((part, self.entries[number as usize].key), number);
        let entry = &mut self.entries[number as usize];
        entry.shadows = shadows.unwrap_or(NONE);
        entry.request = span;
        entry.request_bytes = bytes(record);
        if let Ok([before, entry]) =
            self.entries.get_disjoint_mut([before as usize, number as usize])
            && entry.repeats(before)
        {
            entry.attempt = before.attempt.saturating_add(1);
        }
        let entry = &self.entries[number as usize];
        let of = &mut self.parts[part as usize];
        of.totals.requests += 1;
        of.waiting += 1;
        of.wire_bytes += u64::from(entry.request_bytes);
        of.models.add(entry.model.clone(), 1);
        of.agents.add(entry.agent.clone(), 1);
        self.asked(number, at_us, record);
    }

    /// Looks at what is new in a request: what stands after the model's last words.
    fn asked(&mut self, number: u32, at_us: i64, record: &Record<'_>) {
        let mut prompt = None;
        let mut results = Vec::new();
        for (back, message) in record.asked.newest.iter().rev().enumerate() {
            let message = Message::read(message);
            if message.is_answer {
                break;
            }
            results.extend(message.results);
            if prompt.is_none() {
                prompt = message.prompt.map(|text| (record.asked.messages - 1 - back, text));
            }
        }
        let entry = &mut self.entries[number as usize];
        let part = &mut self.parts[entry.part as usize];
        for result in results {
            let called = part.calls.remove(&call_key(&result.call, &result.name));
            if let Some(tool) =
                called.and_then(|tool| Some((tool, self.tools.get_mut(tool as usize)?)))
            {
                tool.1.status = status_of(&result);
                if tool.1.status == ToolStatus::Failed {
                    part.failed_tools.add([tool.1.name.clone()], 1);
                }
                tool.1.ended_us = Some(at_us);
                self.changes.tools.insert(tool.0);
            }
        }
        let Some((place, text)) = prompt.filter(|_| !entry.purpose.is_meta()) else { return };
        let is_new = part.last_prompt.replace((place, hash(&text))) != Some((place, hash(&text)));
        if is_new {
            let text: Box<str> = text.chars().take(PROMPT).collect::<String>().into();
            part.prompt.get_or_insert_with(|| text.clone());
            entry.prompt = Some(text);
        }
    }

    /// The entry that an answer belongs to.
    fn answered(&mut self, part: u32, at_us: i64, record: &Record<'_>) -> u32 {
        let is_done = |entry: &Entry| match record.kind {
            Kind::Error => entry.failure.is_some(),
            Kind::Request | Kind::Response => entry.response.length > 0 || entry.failure.is_some(),
        };
        let mut number = self.open.get(&(part, record.key())).copied().unwrap_or(NONE);
        while let Some(entry) = self.entries.get(number as usize) {
            if !is_done(entry) {
                return number;
            }
            number = entry.shadows;
        }
        let number = self.begin(part, at_us, record);
        self.open.insert((part, self.entries[number as usize].key), number);
        self.parts[part as usize].waiting += 1;
        self.parts[part as usize].totals.requests += 1;
        number
    }

    fn response(&mut self, number: u32, span: Span, at_us: i64, record: &Record<'_>) {
        let entry = &self.entries[number as usize];
        let answer = body::answer(entry.dialect, record.body, !record.is_cut);
        let finish = answer.finish.as_deref().map(|finish| self.word(finish));
        let model = answer.model.as_deref().map(|model| self.word(model));
        let tools = self.called(number, &answer.tool_calls);
        let entry = &mut self.entries[number as usize];
        entry.response = span;
        entry.response_bytes = bytes(record);
        entry.ended_us = Some(at_us);
        entry.status = record.status();
        entry.usage = answer.usage.map(Box::new);
        entry.finish = finish;
        if entry.model.is_none() {
            entry.model = model.clone();
            self.parts[entry.part as usize].models.add(model, 1);
        }
        self.parts[entry.part as usize].statuses.add(entry.status, 1);
        entry.error = answer.error.map(|error| bounded(&error, ERROR));
        entry.tools = tools;
        if entry.purpose == Purpose::Title {
            let title = title(&answer.text);
            let known = &mut self.parts[entry.part as usize].title;
            *known = title.or(known.take());
        }
    }

    fn called(&mut self, number: u32, calls: &[ToolRequest]) -> Range<u32> {
        let first = self.tools.len() as u32;
        for call in calls {
            let name = self.word(&call.name);
            let input = Some(&call.arguments).filter(|json| json.len() <= ARGUMENTS);
            let input = input.and_then(|json| serde_json::from_str(json).ok());
            let subject = session::subject(&call.name, &input.unwrap_or_default());
            let tool = self.tools.len() as u32;
            let part = self.entries[number as usize].part;
            self.parts[part as usize].calls.insert(call_key(&call.id, &call.name), tool);
            self.parts[part as usize].tools.add([name.clone()], 1);
            self.tools.push(Tool {
                entry: number,
                name,
                subject: subject.into(),
                status: ToolStatus::Running,
                ended_us: None,
            });
        }
        first..self.tools.len() as u32
    }

    fn error(&mut self, number: u32, span: Span, at_us: i64, record: &Record<'_>) {
        let error = line::text(record.error).unwrap_or("no reason was given".into());
        let entry = &mut self.entries[number as usize];
        entry.ended_us = Some(entry.ended_us.map_or(at_us, |ended| ended.max(at_us)));
        entry.failure = Some(Box::new(Failure {
            line: span,
            // As `AbortSignal` says it, and octrace.
            is_abort: error.to_ascii_lowercase().contains("abort"),
            error: bounded(&error, ERROR),
        }));
    }

    /// What an entry adds to its part's sums.
    fn figures(&self, number: u32) -> Figures {
        let entry = &self.entries[number as usize];
        Figures {
            usage: entry.usage.as_deref().copied().unwrap_or_default(),
            errors: u64::from(entry.is_error()),
            waiting: u64::from(entry.is_waiting()),
            response_bytes: u64::from(entry.response_bytes),
        }
    }

    /// Puts what it adds now in the place of what it added before.
    fn count(&mut self, number: u32, before: Figures) {
        let now = self.figures(number);
        let part = &mut self.parts[self.entries[number as usize].part as usize];
        let change = |sum: &mut u64, before: u64, now: u64| {
            *sum = sum.saturating_sub(before).saturating_add(now);
        };
        change(&mut part.totals.errors, before.errors, now.errors);
        change(&mut part.waiting, before.waiting, now.waiting);
        change(&mut part.wire_bytes, before.response_bytes, now.response_bytes);
        let (sum, before, now) = (&mut part.totals.usage, before.usage, now.usage);
        change(&mut sum.input, before.input, now.input);
        change(&mut sum.output, before.output, now.output);
        change(&mut sum.reasoning, before.reasoning, now.reasoning);
        change(&mut sum.cache_read, before.cache_read, now.cache_read);
        change(&mut sum.cache_write, before.cache_write, now.cache_write);
    }
}

#[derive(Clone, Copy)]
struct Figures {
    usage: Usage,
    errors: u64,
    waiting: u64,
    response_bytes: u64,
}

/// opencode-api-tracer marks nothing; but OpenCode asks for a title in words of its own, and offers no tools.
fn purpose_of_shape(record: &Record<'_>) -> Purpose {
    let asked = &record.asked;
    let is_title = !asked.has_tools
        && asked.oldest.iter().any(|message| Message::read(message).asks_for_title);
    if is_title { Purpose::Title } else { Purpose::Main }
}

/// Gemini's requests name their model there.
fn model_in_url(url: &str) -> Option<std::borrow::Cow<'_, str>> {
    let (_, rest) = url.split_once("/models/")?;
    let (model, _) = rest.split_once(':')?;
    (!model.is_empty() && !model.contains('/')).then(|| model.to_owned().into())
}

fn status_of(result: &ToolResult) -> ToolStatus {
    if result.failed { ToolStatus::Failed } else { ToolStatus::Completed }
}

/// The first line that says something, as OpenCode takes it.
fn title(text: &str) -> Option<Box<str>> {
    let text = text.rsplit_once("</think>").map_or(text, |(_, said)| said);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(bounded(line, TITLE))
}

/// The body's size, as it stands in the line.
fn bytes(record: &Record<'_>) -> u32 {
    let is_none = record.body == b"null";
    if is_none { 0 } else { u32::try_from(record.body.len()).unwrap_or(NONE) }
}

fn bounded(text: &str, characters: usize) -> Box<str> {
    text.chars().take(characters).collect::<String>().into()
}

/// What a call and its result have in common.
fn call_key(id: &str, name: &str) -> u64 {
    hash(if id.is_empty() { name } else { id })
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
