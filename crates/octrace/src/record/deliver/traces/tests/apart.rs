//! Two projects at once, and what is known of keys.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use octrace_testkit::{Answer, Author, PATIENCE, Received, Receiver, Response, eventually};

use super::{
    stage::{place, turn},
    *,
};
use crate::record::{
    deliver::{Undelivered, deliver},
    tests::{Room, room},
};

/// Records a turn of `session` by an OpenCode with these settings of the user's.
fn recorded(room: &Room, settings: &str, session: &str, text: &str) {
    fs::create_dir_all(room.root.parent().unwrap()).unwrap();
    fs::write(room.place().config, settings).unwrap();
    let mut author = Author::dead(&room.root, &format!("1-{session}"));
    author.goes_live();
    turn(&mut author, session, 0, text);
    room.pipeline(&author).finish().unwrap();
}

/// Delivers by these settings; why what is left is left.
fn delivered(room: &Room, settings: &str) -> Vec<String> {
    fs::write(room.place().config, settings).unwrap();
    let left = deliver(&place(room), Instant::now() + Duration::from_secs(60)).unwrap();
    left.iter().map(|left: &Undelivered| left.why().to_owned()).collect()
}

fn text(received: &[Received]) -> String {
    let plain = received.iter().map(|one| one.plain().unwrap().into_owned());
    plain.map(|plain| String::from_utf8_lossy(&plain).into_owned()).collect()
}

#[test]
fn nothing_of_one_project_reaches_the_others_destination() {
    let room = room();
    let (one, other) = (Receiver::helicone().unwrap(), Receiver::helicone().unwrap());
    let helicone = |receiver: &Receiver, key: &str, more: &str| {
        format!("[helicone]\nendpoint = '{}'\napi_key = '{KEY}-{key}'\n{more}", receiver.url())
    };
    let full = helicone(&one, "full", "redactPatterns = ['alpha-[0-9]+']");
    let meta = helicone(&other, "meta", "mode = 'metadata_only'");
    // The same place, but another key: somebody else's.
    let third = helicone(&one, "third", "");
    recorded(&room, &full, "ses_a", "alpha-1 beta-1");
    recorded(&room, &meta, "ses_b", "alpha-2 beta-2");
    recorded(&room, &third, "ses_c", "alpha-3 beta-3");

    let lacks = "its key is not in this environment";
    assert_eq!(delivered(&room, &full), [lacks, lacks]);
    assert!(other.received().is_empty());
    let said = text(&one.received());
    assert!(said.contains("[REDACTED] beta-1") && !said.contains("alpha-"), "{said}");
    assert!(!said.contains("ses_b") && !said.contains("ses_c"), "{said}");

    assert_eq!(delivered(&room, &meta), [lacks]);
    let said = text(&other.received());
    assert!(said.contains("ses_b") && !said.contains("ses_a"), "{said}");
    assert!(!said.contains("alpha-") && !said.contains("beta-"), "{said}");

    let before = one.received().len();
    assert!(delivered(&room, &third).is_empty());
    let rest = &one.received()[before..];
    let bearer = format!("Bearer {KEY}-third");
    assert!(rest.iter().all(|one| one.header("authorization") == Some(&bearer)));
    let said = text(rest);
    assert!(said.contains("alpha-3 beta-3") && !said.contains("ses_a"), "{said}");
}

#[test]
fn no_key_reaches_the_tape_or_what_is_told_of_it() {
    let room = room();
    let receiver = Receiver::otlp().unwrap();
    let settings = format!(
        "[[otlp]]\nendpoint = '{}'\nheaders = {{ authorization = 'Bearer {KEY}' }}",
        receiver.url()
    );
    recorded(&room, &settings, "ses_1", "said");
    // It repeats what it was sent, on every way that there is.
    let mut times = 0;
    receiver.script(move |received| {
        times += 1;
        let echo = received.header("authorization").unwrap_or_default().to_owned();
        let status = [400, 401, 500][times % 3];
        Answer::Says(
            Response::new(status, format!("{{\"message\":\"{echo}\"}}")).header("x", &echo),
        )
    });
    let place = place(&room);
    let left = eventually(PATIENCE, || {
        let left = deliver(&place, Instant::now() + Duration::from_secs(1)).unwrap();
        let answered = receiver.received().iter().filter_map(|one| one.answered).collect();
        let all = BTreeSet::from([400, 401, 500]).is_subset(&answered);
        if all { Ok(left) } else { Err(format!("no more than {answered:?}")) }
    });
    let left = left.unwrap();
    assert!(format!("{:?}", receiver.received()).contains(KEY), "it was sent");
    let letters = room.tape().dead_letters(10).unwrap();
    assert!(!format!("{place:?} {left:?} {letters:?}").contains(KEY));
    let mut folders = vec![room.root.parent().unwrap().to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path != place.config {
                let found = memchr::memmem::find(&fs::read(&path).unwrap(), KEY.as_bytes());
                assert_eq!(found, None, "{}", path.display());
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 0);
}
