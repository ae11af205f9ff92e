//! The server: one thread, one port of the loopback interface.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{Response, StatusCode, header, request::Parts},
};
use tokio::sync::{oneshot, watch};

use crate::{
    ask::Ask,
    connection::{Listener, Scissors},
    dialect::{Answer, Dialect, error},
    play::{self, Cue},
    script::{Chosen, Fault, Script},
    seen::{Ending, Log, Seen},
};

/// The largest request that is read: far above what tests send.
const MAX_REQUEST: usize = 1 << 30;

/// A running server. Dropping it stops it and closes its connections.
pub struct Server {
    address: SocketAddr,
    log: Arc<Log>,
    release: watch::Sender<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be opened or no thread be started.
    pub fn start(script: Script) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let log = Arc::new(Log::default());
        let (release, released) = watch::channel(());
        let (stop, stopped) = oneshot::channel();
        let stage = Stage { script, log: Arc::clone(&log), released, attempts: Mutex::default() };
        let app = Router::new().fallback(answer).with_state(Arc::new(stage));
        let listener = {
            let _context = runtime.enter();
            Listener(tokio::net::TcpListener::from_std(listener)?)
        };
        let thread =
            std::thread::Builder::new().name("scripted-model".to_owned()).spawn(move || {
                runtime.block_on(async {
                    let app = app.into_make_service_with_connect_info::<Scissors>();
                    tokio::spawn(async { axum::serve(listener, app).await });
                    // An error means that the handle is gone; that is a reason to stop too.
                    drop(stopped.await);
                });
            })?;
        Ok(Self { address, log, release, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:<port>`; the dialects' paths follow it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything seen so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Seen> {
        self.log.all()
    }

    /// Waits until `condition` gives something for what was seen, at most `timeout`. It is asked again
    /// after each change.
    pub fn wait_for<T>(
        &self,
        timeout: Duration,
        condition: impl Fn(&[Seen]) -> Option<T>,
    ) -> Option<T> {
        self.log.wait_for(timeout, condition)
    }

    /// Lets every answer that hangs at this moment go on.
    pub fn release(&self) {
        self.release.send_replace(());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // An error would be a panic of that thread, which has been printed.
            drop(thread.join());
        }
    }
}

/// What every request is answered from.
struct Stage {
    script: Script,
    log: Arc<Log>,
    released: watch::Receiver<()>,
    /// How often a session asked for a step of a script.
    attempts: Mutex<HashMap<(String, String, usize), u32>>,
}

impl Stage {
    fn attempt(&self, session: &str, chosen: &Chosen<'_>) -> u32 {
        let key = (session.to_owned(), chosen.script.to_owned(), chosen.index);
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = attempts.entry(key).or_default();
        *count += 1;
        *count
    }
}

async fn answer(
    State(stage): State<Arc<Stage>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_REQUEST).await else {
        return plain(StatusCode::BAD_REQUEST, "the request's body did not arrive");
    };
    let mut seen = received(&head, body);
    let Some(dialect) = seen.dialect else {
        return ordinary(&stage, seen);
    };
    let ask = Ask::read(dialect, head.uri.path(), &seen.body);
    let chosen = stage.script.choose(&ask);
    let session = seen.header("x-session-affinity").unwrap_or_default().to_owned();
    seen.is_title = ask.is_title();
    chosen.script.clone_into(&mut seen.script);
    seen.step = chosen.index;
    seen.attempt = stage.attempt(&session, &chosen);

    let fault = chosen.step.fault.as_ref().filter(|_| seen.attempt <= chosen.step.fault_times);
    let answer = Answer {
        step: chosen.step,
        usage: chosen.step.usage_at(chosen.index),
        ask: &ask,
        seed: seed(&format!("{session} {} {} {}", chosen.script, chosen.index, seen.attempt)),
    };
    let mut released = stage.released.clone();
    released.mark_unchanged();
    let mut entry = stage.log.add(seen);

    match fault {
        Some(Fault::CutBeforeHead) => {
            entry.ended(Ending::Cut);
            scissors.cut();
            return plain(StatusCode::OK, "");
        }
        Some(Fault::HangBeforeHead) => drop(released.changed().await),
        _ => {}
    }
    let (status, content_type) = match fault {
        Some(Fault::Status { code, .. }) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "application/json")
        }
        Some(Fault::Raw { content_type, .. }) => (StatusCode::OK, *content_type),
        _ if ask.stream => (StatusCode::OK, "text/event-stream; charset=utf-8"),
        _ => (StatusCode::OK, "application/json"),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .header("x-request-id", format!("req_{:016x}", answer.seed));
    if let Some(Fault::Status { headers, .. }) = fault {
        for (name, value) in headers {
            response = response.header(*name, value);
        }
    }
    entry.begun(status.as_u16());
    let cues = cues(&answer, dialect, fault);
    response.body(play::body(cues, released, entry)).unwrap_or_else(|_| {
        plain(StatusCode::INTERNAL_SERVER_ERROR, "the script has a malformed header")
    })
}

/// A request as it was received; what the script makes of it is not known yet.
fn received(head: &Parts, body: Bytes) -> Seen {
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Seen {
        number: 0,
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: headers.collect(),
        body,
        at: Instant::now(),
        dialect: Dialect::of_path(head.uri.path()).filter(|_| head.method == "POST"),
        is_title: false,
        script: String::new(),
        step: 0,
        attempt: 1,
        status: None,
        sent: Vec::new(),
        ended: None,
    }
}

/// What is done with the body of `answer`.
fn cues(answer: &Answer<'_>, dialect: Dialect, fault: Option<&Fault>) -> Vec<Cue> {
    let step = answer.step;
    let mut chunks: Vec<Bytes> = match fault {
        Some(Fault::Raw { chunks, .. }) => chunks.clone(),
        Some(Fault::Status { body: Some(body), .. }) => vec![body.clone()],
        Some(Fault::Status { code, .. }) => vec![error(dialect, *code).to_string().into()],
        _ if answer.ask.stream => answer.stream(dialect).into_iter().map(Bytes::from).collect(),
        _ => vec![answer.whole(dialect).to_string().into()],
    };
    if let Some(size) = step.chunk_bytes {
        let whole = Bytes::from(chunks.concat());
        chunks = whole.chunks(size).map(|chunk| whole.slice_ref(chunk)).collect();
    }
    let (at, special) = match fault {
        Some(Fault::CutAfter(at)) => (*at, Some(Cue::Cut)),
        Some(Fault::HangAfter(at)) => (*at, Some(Cue::Hang)),
        _ => (0, None),
    };
    let mut cues = Vec::new();
    for (index, chunk) in chunks.into_iter().enumerate() {
        if index > 0 && !step.pause.is_zero() {
            cues.push((index, Cue::Pause(step.pause)));
        }
        cues.push((index, Cue::Chunk(chunk)));
    }
    if let Some(special) = special {
        let position = cues.partition_point(|(index, _)| *index < at);
        cues.insert(position, (at, special));
        // A client may never see what came just before its connection broke.
        if at > 0 && !step.pause.is_zero() {
            cues.insert(position, (at, Cue::Pause(step.pause)));
        }
    }
    cues.into_iter().map(|(_, cue)| cue).collect()
}

/// An ordinary web page, for whatever is not a model's endpoint.
fn ordinary(stage: &Stage, seen: Seen) -> Response<Body> {
    let found = seen.method == "GET";
    let status = if found { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let text = if found { "An ordinary page.\n" } else { "not a model's endpoint\n" };
    let mut entry = stage.log.add(seen);
    entry.begun(status.as_u16());
    entry.sent(&Bytes::from_static(text.as_bytes()));
    entry.ended(Ending::Complete);
    plain(status, text)
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// The same number for the same text, in every run and build (FNV-1a).
fn seed(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
