//! The canary test: one session in which a different secret is planted in every place that a secret can come
//! from, and then a search of everything that octrace wrote, in every form that a secret can take.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, ensure};
use octrace_testkit::{
    PATIENCE, PROVIDERS, Provider, Serve, eventually,
    script::{Fault, Script, Step},
};
use serde_json::json;

use crate::stage::{Stage, attempts, collect, main_calls};

/// Where a secret is planted, and the secret. No shape occurs twice for the same reason: known values, shapes
/// of tokens, secret names, connection strings.
struct Canaries(BTreeMap<&'static str, String>);

impl Canaries {
    fn new() -> Self {
        let github = |seed: &str| format!("{}_{}", "ghp", filler(seed, 36));
        Self(BTreeMap::from([
            ("a header", filler("header", 40)),
            ("the query", filler("query", 40)),
            ("the system prompt", format!("{}-{}", "glpat", filler("system", 20))),
            ("the user's text", format!("{}-{}", "sk-ant-api03", filler("user", 95))),
            ("a tool's arguments", github("arguments")),
            (".env: a name", filler("env-name", 32)),
            (".env: a connection string", filler("env-url", 24)),
            (".env: a shape", format!("{}-{}", "xoxb-1234567890", filler("env-shape", 24))),
            ("a streamed answer", github("streamed")),
            ("a streamed answer, known", filler("known-streamed", 40)),
            ("an error's body", format!("{}-{}", "sk-proj", filler("error", 48))),
            ("the title", format!("{}_{}", "sk_live", filler("title", 24))),
            ("a file's name", github("file-name")),
            ("the environment", filler("environment", 40)),
            ("the git remote", filler("remote", 30)),
        ]))
    }

    fn get(&self, place: &str) -> &str {
        self.0.get(place).map_or_else(|| panic!("no canary for {place}"), String::as_str)
    }
}

/// Letters and digits that look like chance, the same for the same seed.
fn filler(seed: &str, length: usize) -> String {
    let digest = |block: usize| blake3::hash(format!("{seed} {block}").as_bytes());
    let bytes = (0..).flat_map(|block| digest(block).as_bytes().to_vec());
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bytes
        .map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()]))
        .take(length)
        .collect()
}

/// What must not be found of a secret: itself and its halves, as they are, escaped for JSON, encoded for a URL
/// and in base64 at each alignment.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    // The half that is told from others is at the end: shapes begin alike.
    let (head, tail) = secret.split_at(secret.len() / 2);
    let mut forms = Vec::new();
    // In an index, words are in small letters.
    let small = tail.to_ascii_lowercase();
    for text in [secret, head, tail, &small] {
        forms.push(text.as_bytes().to_vec());
        forms.push(text.bytes().flat_map(|byte| format!("\\u{byte:04x}").into_bytes()).collect());
        forms.push(text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect());
        for skipped in 0..3 {
            forms.push(base64_core(text.as_bytes(), skipped));
        }
    }
    forms
}

/// The characters of base64 that depend on `text` alone when `skipped` bytes stand before it in its group.
fn base64_core(text: &[u8], skipped: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let rest = text.get((3 - skipped) % 3..).unwrap_or_default();
    let groups = rest.chunks_exact(3).flat_map(|group| {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift) as usize & 63])
    });
    groups.collect()
}

/// Everything that octrace wrote: files as they are, and what is compressed on the tape.
fn written(stage: &Stage, folders: &[PathBuf]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = stage.kept()?;
    for folder in folders {
        collect(folder, &mut files)?;
    }
    let mut texts: Vec<_> =
        files.into_iter().map(|(path, bytes)| (path.display().to_string(), bytes)).collect();
    let named: Vec<_> = texts
        .iter()
        .map(|(name, _)| (format!("the name {name}"), name.clone().into_bytes()))
        .collect();
    texts.extend(named);

    let path = stage.home.data().join("octrace/tape.db");
    let tape = rusqlite::Connection::open(&path)?;
    let mut decoder = octrace_store::codec::Decoder::new()?;
    // What belongs to no session has nothing in common with requests, and lies there by itself.
    let mut select = tape.prepare(
        "SELECT 'part ' || id, codec, size, data FROM parts WHERE typeof(data) = 'blob' UNION ALL
         SELECT 'event ' || id, codec, size, body FROM events
             WHERE session IS NULL AND typeof(body) = 'blob' UNION ALL
         SELECT 'part ' || parts.id, codec, size, loose.data FROM parts JOIN loose ON loose.id = -parts.data UNION ALL
         SELECT 'event ' || events.id, codec, size, loose.data FROM events JOIN loose ON loose.id = -body
             WHERE session IS NULL UNION ALL
         SELECT 'pack ' || id, codec, size, data FROM packs",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (name, codec, size): (_, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let bytes = decoder.decode(codec, size.cast_unsigned(), &row.get::<_, Vec<u8>>(3)?)?;
        texts.push((name, bytes));
    }
    let mut select =
        tape.prepare("SELECT DISTINCT session FROM events WHERE session IS NOT NULL")?;
    let sessions = select.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let reader = octrace_store::Tape::open_existing(&path)?.context("a tape")?;
    for session in sessions {
        for event in reader.events(&session)? {
            ensure!(!event.body.is_null(), "event {} can be read", event.id);
            texts.push((format!("event {}", event.id), event.body.to_string().into_bytes()));
        }
    }
    tape.execute_batch("CREATE VIRTUAL TABLE temp.known USING fts5vocab (main, part_words, row)")?;
    let mut words = tape.prepare("SELECT term FROM temp.known")?;
    let words = words.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    ensure!(words.len() > 100, "the index has {} words", words.len());
    texts.push(("the index".to_owned(), words.join("\n").into_bytes()));
    Ok(texts)
}

/// The short strings of a text one after the other: what a model spelled out, put together again.
fn joined(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b":\"") {
        rest = &rest[at + 2..];
        let end = rest.iter().take(5).position(|byte| *byte == b'"');
        joined.extend_from_slice(&rest[..end.unwrap_or(0)]);
    }
    joined
}

struct Session {
    stage: Stage,
    canaries: Canaries,
    /// Where octrace wrote beside its own folders.
    folders: [PathBuf; 3],
}

/// OpenCode's own doing: everything is planted, and seen by the model or sent by it.
fn record(provider: &Provider) -> anyhow::Result<Session> {
    let canaries = Canaries::new();
    let get = |place| canaries.get(place);
    let stage = Stage::new(script(&canaries))?;
    let project = stage.home.project();
    let remote = format!("https://ci:{}@git.example.invalid/a/b.git", get("the git remote"));
    let git_config = fs::read_to_string(project.join(".git/config"))?;
    let git_config = format!("{git_config}[remote \"origin\"]\n\turl = {remote}\n");
    fs::write(project.join(".git/config"), git_config)?;
    fs::write(project.join("AGENTS.md"), format!("Deploy with {}.\n", get("the system prompt")))?;
    let settings = format!(
        "# settings\nPORT=8080\nSESSION_SECRET={}\nDATABASE_URL=postgres://app:{}@db:5432/app\nSLACK={}\n",
        get(".env: a name"),
        get(".env: a connection string"),
        get(".env: a shape"),
    );
    fs::write(project.join(".env"), settings)?;
    let config = json!({"provider": {(provider.id): {"options": {
        "headers": {"x-company-auth": get("a header")},
        "queryParams": {"api_key": get("the query")},
    }}}})
    .to_string();
    let jsonl = stage.home.path().join("jsonl");
    let run = |arguments: &[&str]| {
        stage
            .octrace(["run", "--", "opencode", "run", "--model", provider.model])
            .args(arguments)
            .env("OPENCODE_CONFIG_CONTENT", &config)
            .env("OPENCODE_API_TRACER_DIR", &jsonl)
            .env("CANARY_API_TOKEN", get("the environment"))
            .env("OTHER_API_KEY", get("a streamed answer, known"))
            .output()?
            .success()
    };
    run(&[&format!("SCRIPT:work, and use {} for it.", get("the user's text"))])?;
    // Dumps are for one OpenCode; a `serve` has them on for what comes next.
    dumped(&stage, provider, &config, &canaries)?;
    stage.flush()?;
    eventually(PATIENCE, || match stage.spools().as_slice() {
        [] => Ok(()),
        left => Err(format!("spools that are not drained: {left:?}")),
    })?;
    stage.octrace(["search", "settings"]).output()?.success()?;
    let dumps = stage.home.tmp().join("opencode-interceptor");
    let runtime = stage.home.runtime().to_owned();
    Ok(Session { stage, canaries, folders: [jsonl, dumps, runtime] })
}

fn script(canaries: &Canaries) -> Script {
    let get = |place| canaries.get(place);
    let bash = |command: &str| json!({"command": command, "description": "Look"});
    let refused = json!({"error": {"type": "rate_limit_error",
        "message": format!("Slow down. Key: {}.", get("an error's body"))}});
    let refusal = Fault::Status {
        code: 429,
        headers: vec![("retry-after-ms", "20".to_owned())],
        body: Some(refused.to_string().into()),
    };
    let name = format!("{}.txt", get("a file's name"));
    let curl = format!("echo 'Authorization: Bearer {}' > header.txt", get("a tool's arguments"));
    let told = format!(
        "It begins here: {} and {} were spelled out. It ends here.",
        get("a streamed answer"),
        get("a streamed answer, known"),
    );
    Script::new()
        .title(Step::text(format!("Rotate {} today", get("the title"))))
        .on(
            "work",
            [
                Step::call("bash", bash("cat .env && git remote -v"))
                    .saying("First the settings.")
                    .fail_times(1, refusal),
                Step::call("write", json!({"filePath": name, "content": "plain words\n"}))
                    .and_call("bash", bash(&curl))
                    .spelled_out(),
                Step::call("bash", bash("echo \"$CANARY_API_TOKEN\" | base64; env")),
                Step::text(&told).spelled_out(),
            ],
        )
        .on("again", [Step::text(format!("Once more: {told}")).chunk_bytes(1)])
}

/// The same once more in a `serve`, with `/intercept on`.
fn dumped(
    stage: &Stage,
    provider: &Provider,
    config: &str,
    canaries: &Canaries,
) -> anyhow::Result<()> {
    let serve = Serve::of(
        stage
            .serve()
            .env("OPENCODE_CONFIG_CONTENT", config)
            .env("CANARY_API_TOKEN", canaries.get("the environment"))
            .env("OTHER_API_KEY", canaries.get("a streamed answer, known")),
    )?;
    let dir = stage.home.project();
    let session = serve.session(&dir)?;
    let command = json!({"command": "intercept", "arguments": "on", "model": provider.model});
    serve.request("POST", &dir, &format!("/session/{session}/command"), &command)?.success()?;
    serve.prompt(&dir, &session, provider.model, "SCRIPT:again")?;
    serve.prompt(&dir, &session, provider.model, "SCRIPT:work")?;
    Ok(())
}

fn no_secret_is_anywhere(provider: &Provider) -> anyhow::Result<()> {
    let Session { stage, canaries, folders } = record(provider)?;
    let mut planted = Vec::new();
    for seen in stage.server.requests() {
        planted.extend_from_slice(format!("{} {:?}", seen.path, seen.headers).as_bytes());
        planted.extend_from_slice(&seen.body);
        planted.extend_from_slice(&seen.response_body());
        planted.extend_from_slice(&joined(&seen.response_body()));
    }
    let texts = written(&stage, &folders)?;
    ensure!(texts.iter().any(|(name, _)| name.ends_with(".response.json")), "there are dumps");
    ensure!(texts.iter().any(|(name, _)| name.ends_with(".jsonl")), "there are files");
    for (place, secret) in &canaries.0 {
        let query = *place == "the query" && provider.id != "mock";
        ensure!(query || holds(&planted, secret.as_bytes()), "{place}: it was never planted");
        for form in forms(secret) {
            let found: Vec<_> = texts
                .iter()
                .filter(|(_, bytes)| holds(bytes, &form) || holds(&joined(bytes), &form))
                .map(|(name, _)| name.as_str())
                .collect();
            let form = String::from_utf8_lossy(&form);
            ensure!(found.is_empty(), "{place}: {form} in {found:?}");
        }
    }
    everything_else_is_there(&stage)
}

fn holds(text: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(text, what).is_some()
}

/// The same session still shows everything that is no secret.
fn everything_else_is_there(stage: &Stage) -> anyhow::Result<()> {
    let mut shown = String::new();
    for id in stage.sessions()? {
        shown.push_str(&stage.octrace(["export", "jsonl", &id]).output()?.success()?.stdout);
        let session = stage.show(&id)?;
        shown.push_str(&session.to_string());
        for attempt in main_calls(&session).into_iter().flat_map(attempts) {
            shown.push_str(&stage.json(["request", &attempt["id"].to_string()])?.to_string());
        }
    }
    let expected = [
        "SCRIPT:work, and use [REDACTED] for it.",
        "Deploy with [REDACTED]",
        "# settings",
        "PORT=8080",
        "postgres://",
        "@db:5432/app",
        "@git.example.invalid/a/b.git",
        "First the settings.",
        "Slow down. Key: [REDACTED]",
        "plain words",
        "Authorization: ",
        "> header.txt",
        "It begins here: [REDACTED] and [REDACTED] were spelled out. It ends here.",
        "Rotate [REDACTED] today",
        "HOME=",
    ];
    let missing: Vec<_> = expected.iter().filter(|text| !shown.contains(**text)).collect();
    ensure!(missing.is_empty(), "not there any more: {missing:?}");
    Ok(())
}

#[test]
fn no_secret_of_any_place_is_in_anything_that_was_written() -> anyhow::Result<()> {
    no_secret_is_anywhere(&PROVIDERS[0])
}

#[test]
fn nor_in_another_dialect() -> anyhow::Result<()> {
    no_secret_is_anywhere(&PROVIDERS[2])
}
