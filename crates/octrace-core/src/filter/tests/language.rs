//! What is a term, and what is a mistake.

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_no_field_is_a_word() {
    let row =
        ToolRow { subject: "see http://x a.b:c foo:bar k::v tool::x model=y".into(), ..tool() };
    for word in ["http://x", "a.b:c", "foo:bar", "k::v", "tool::x", "model=y", "\"tool::x\""] {
        assert!(fits(word, &row), "{word}");
        assert!(!fits(word, &tool()), "{word}");
    }
}

#[test]
fn mistakes_say_where_they_are_and_what_would_be_right() {
    let say = |typed: &str| {
        let problem = Filter::parse(typed).unwrap_err();
        format!("{} [{}]", problem, &typed.get(problem.at.clone()).unwrap())
    };
    let mistakes = [
        "ä kind:error,eror x",
        "cost>cheap",
        "status:6x",
        "status>5",
        "size>3\"MB\"",
        "time<1parsec",
        "requests:",
        "attempts>\"\"",
        "role:user",
        "cost>1.2.3",
        "age>.",
        "kind:err",
        "kind:s",
        "status:9xx",
        "x cost > 0.1",
        "-cost >0.1 y",
        "tokens> 3k",
        "Status: 404",
        "attempts >= 2",
    ];
    insta::assert_snapshot!(mistakes.map(say).join("\n"), @r#"
    kind cannot be eror: it is request, response (answered), error, tool, prompt, main, title, summary, compaction, meta (the last three), sub-agent or live [eror]
    cost cannot be cheap: it is dollars, as 0.1 or $0.1 [cheap]
    status cannot be 6x: it is a number or a class, as 404 or 5xx [6x]
    status cannot be 5: it is a number or a class, as 404 or 5xx [5]
    size cannot be 3"MB": it is a size, as 500, 10kB or 1.5MB [3"MB"]
    time cannot be 1parsec: it is a time, as 500ms, 2s, 1.5m, 2h or 7d [1parsec]
    requests needs a value: how many requests [requests:]
    attempt needs a value: which try of a call it is; in `octrace show`, how many it took [attempts>""]
    role is for `octrace search` only [role:user]
    cost cannot be 1.2.3: it is dollars, as 0.1 or $0.1 [1.2.3]
    age cannot be .: it is a time, as 500ms, 2s, 1.5m, 2h or 7d [.]
    did you mean error? kind cannot be err [err]
    did you mean summary or sub-agent? kind cannot be s [s]
    status cannot be 9xx: it is a number or a class, as 404 or 5xx [9xx]
    write cost>0.1, without blanks [cost > 0.1]
    write cost>0.1, without blanks [-cost >0.1]
    write tokens>3k, without blanks [tokens> 3k]
    write Status:404, without blanks [Status: 404]
    write attempts>=2, without blanks [attempts >= 2]
    "#);
}

#[test]
fn a_search_has_words_and_fields() {
    let read = |typed: &str| {
        let search = Search::parse(typed).unwrap();
        (search.query, search.filter.terms.len(), search.filter.texts.len())
    };
    for (typed, words, terms, texts) in [
        ("foo_bar \"a b\"*", "foo_bar \"a b\"*", 0, 0),
        ("error in model: gpt", "error in model: gpt", 0, 0),
        ("-x !y -> --all", "-x !y -> --all", 0, 0),
        ("-\"a b\"", "-\"a b\"", 0, 0),
        ("kind:error x -status:4xx", "x", 2, 0),
        ("\"kind:error\" tool::x", "\"kind:error\" tool::x", 0, 0),
        ("text:x text:\"y z\"*", "x \"y z\"*", 0, 0),
        ("x -text:y text:a,b", "x", 2, 3),
        ("role:user", "", 0, 0),
    ] {
        let (found, terms_found, texts_found) = read(typed);
        let expected = (Query::parse(words), terms, texts);
        assert_eq!((found, terms_found, texts_found), expected, "{typed}");
    }
    for words in ["size > 0", "cost >x", "if time == 3"] {
        assert_eq!(read(words), (Query::parse(words), 0, 0), "code is searched for");
    }
    let search = Search::parse("x role:tool-result,user -role:User").unwrap();
    let wanted = [Role::ToolResult, Role::User, Role::System].map(|role| search.wants(role));
    assert_eq!(wanted, [true, false, false]);
    assert!(Search::parse("x").unwrap().wants(Role::System));
    assert!(Search::parse("role:nobody").is_err());
}

#[test]
fn blanks_in_quotes_and_between_other_words_are_text() {
    for typed in [
        "\"cost > 0.1\"",
        "costs > 0.1",
        "cost 0.1",
        "model > x",
        "cost -> x",
        "cost \"> 1\"",
        "ä >b",
        "cost >",
    ] {
        assert!(Filter::parse(typed).is_ok(), "{typed}");
    }
}

#[test]
fn a_word_may_become_a_field() {
    for typed in ["k", "x KIND", "-mod", "cost", "cost ", "x status  ", "attempts"] {
        assert!(Filter::is_unfinished(typed), "{typed}");
    }
    for typed in
        ["", "x", "kind ", "kinds", "\"kind", "kind:", "kind:err", "cost>", "ä", "mod x", "->"]
    {
        assert!(!Filter::is_unfinished(typed), "{typed}");
    }
}

#[test]
fn every_example_is_read() {
    for field in FIELDS {
        for example in field.examples {
            assert_eq!(Filter::parse(example).is_ok(), field.is_for_filters(), "{example}");
            assert!(Search::parse(example).is_ok(), "{example}");
        }
    }
    for sign in SIGNS {
        assert!(Filter::parse(sign.example).is_ok(), "{}", sign.example);
    }
    let readme = include_str!("../../../../../README.md");
    let (_, table) = readme.split_once("| filter | shows |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let filters: Vec<_> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert!(filters.len() > 5);
    for filter in filters {
        assert!(Filter::parse(filter).is_ok(), "{filter}");
    }
}

#[test]
fn names_are_told_once() {
    let mut names: Vec<_> = FIELDS.iter().flat_map(|f| f.also.iter().chain([&f.name])).collect();
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())));
    let kinds = FIELDS.iter().find(|field| field.name == "kind").unwrap();
    for (word, _) in Kinds::WORDS {
        assert!(kinds.means.contains(word), "{word}");
    }
}

/// Terms as people type them, and what is near to them.
fn typed() -> impl Strategy<Value = String> {
    let names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    let term = (
        "[-!]{0,2}",
        prop::sample::select(names),
        "(:|<|>|=|<=|>=|!=|::|:>|)",
        "(error|tool|5xx|404|0.5|3k|1.5MB|2h|\\$1|\"a b\"|a,b|,|\"|x\\*|日本)?",
    );
    let term = term.prop_map(|(not, name, sign, value)| format!("{not}{name}{sign}{value}"));
    let word = "[a-zäİK\"*:,#1-3 -]{0,8}";
    prop::collection::vec(prop_oneof![term, word], 0..5).prop_map(|terms| terms.join(" "))
}

proptest! {
    #[test]
    fn anything_is_read_and_shown_as_it_was_typed(typed in prop_oneof![typed(), "\\PC{0,40}", any::<String>()]) {
        match Filter::parse(&typed) {
            Ok(filter) => {
                prop_assert_eq!(filter.to_string(), typed.clone());
                prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
            Err(problem) => prop_assert!(typed.get(problem.at).is_some()),
        }
        if let Err(problem) = Search::parse(&typed) {
            prop_assert!(typed.get(problem.at).is_some());
        }
    }

    /// Without a field, a search is what it always was.
    #[test]
    fn words_are_searched_for_as_ever(typed in "[a-c_ .日\"*!-]{0,30}") {
        prop_assert_eq!(Search::parse(&typed).unwrap().query, Query::parse(&typed));
    }

    #[test]
    fn not_is_the_opposite(
        term in typed(), id in 0i64..400, status in prop::option::of(100u16..600), cost in prop::option::of(0.0..2.0),
    ) {
        let row = ExchangeRow { id, status, cost_usd: cost, ..exchange() };
        let one = |filter: &Filter| filter.terms.len() == 1;
        let opposite = Filter::parse(&format!("-{term}")).ok().filter(one);
        if let (Some(filter), Some(opposite)) = (Filter::parse(&term).ok().filter(one), opposite)
            && filter.terms[0].not != opposite.terms[0].not
            && filter.terms[0].test == opposite.terms[0].test
        {
            let matches = |filter: &Filter| filter.matches(&row, NOW_US, |_| true);
            prop_assert_ne!(matches(&filter), matches(&opposite), "{}", term);
        }
    }

    #[test]
    fn a_class_of_statuses_is_its_numbers(status: u16, class in 1u16..=5) {
        let row = ExchangeRow { status: Some(status), ..ExchangeRow::default() };
        let (first, next) = (class * 100, class * 100 + 100);
        let range = (first..next).contains(&status);
        prop_assert_eq!(fits(&format!("status:{class}xx"), &row), range);
        prop_assert_eq!(fits(&format!("status>={first} -status>={}", next.min(999)), &row), range && status < 999);
    }

    #[test]
    fn a_comparison_and_its_opposite(of in 0u64..2_000_000, with in 0u64..2_000_000) {
        let usage = Usage { input: of, ..Usage::default() };
        let row = ExchangeRow { usage: Some(usage), ..ExchangeRow::default() };
        for (sign, opposite, expected) in [("<", ">=", of < with), (">", "<=", of > with), ("=", "!=", of == with)] {
            prop_assert_eq!(fits(&format!("in{sign}{with}"), &row), expected);
            prop_assert_eq!(fits(&format!("in{opposite}{with}"), &row), !expected);
        }
    }

    /// A word is found where it stands in lower case, and nowhere else.
    #[test]
    fn words_are_found_case_apart(
        text in "[a-cK-LkiKéÉßΣσ日/ ]{0,20}", start in 0usize..20, length in 1usize..6, upper: bool,
    ) {
        let word: String = text.chars().skip(start).take(length).collect();
        let word = if upper { word.to_uppercase() } else { word };
        let Some(needle) = Needle::new(&word) else { return Ok(()) };
        let fold = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
        let fold_one = |text: &str| fold(text).split_whitespace().collect::<Vec<_>>().join(" ");
        prop_assert_eq!(
            needle.is_in(Shown::Text(&text)), fold_one(&text).contains(&fold_one(&word)), "{} in {}", word, text
        );
        let parts = text.split_once('/').filter(|(provider, _)| !provider.is_empty());
        if let Some((provider, model)) = parts {
            let apart = needle.is_in(Shown::Model { provider, model });
            // White space between the two is no white space of a name.
            prop_assert!(word.contains(' ') || apart == needle.is_in(Shown::Text(&text)) || !text.is_ascii());
        }
    }
}
