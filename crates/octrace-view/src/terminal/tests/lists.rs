//! Sessions and their timelines, as they look.

use super::kit::*;
use crate::terminal::{Theme, input::Key};

#[test]
fn sessions_at_80() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    insta::assert_snapshot!(screen.text(), @r"
    octrace  tape                                                         5 sessions
    session                                  when    req  err     in   out      cost
    ␛]0;owned␇漢字 👩‍💻 family\u{202e}           1m      8       74.2k  1.0k   $0.1018
      文字/とても長い名前のフォルダー · anthropic/claude-sonnet-4-5 · ses_e07c␛[2J
    ● Fix the failing date test              live      8    2  74.2k  1.0k   $0.1018
      work/project · anthropic/claude-sonnet-4-5 +1 · ses_e07ccbea3ffeBB3KYdJh7Puf9E
    └ Search the history                       3m      8       74.2k  1.0k   $0.1018
        work/project · anthropic/claude-sonnet-4-5 · ses_e07cca11effeXW2vT8sGzP0mQ1
    An older one with a title that tak…        2d      8       74.2k  1.0k   $0.1018
      work/project · anthropic/claude-sonnet-4-5 · ses_e07c00000ffe7Ci1RtZFPYXt42
    (untitled)                             11 Sep      1
      work/project · run_4711_c0ffee











    enter open  f filter  q quit  ? help
    ");
}

#[test]
fn sessions_at_160() {
    let mut screen = Screen::new((160, 50), options());
    screen.answer(told(sessions()));
    screen.resize(160, 12);
    insta::assert_snapshot!(screen.text(), @r"
    octrace  tape                                                                                                                                         5 sessions
    session                                                  project               model                             when    req  err     in   out      cost    size
    ␛]0;owned␇漢字 👩‍💻 family\u{202e}                         文字/とても長い名前…  anthropic/claude-sonnet-4-5         1m      8       74.2k  1.0k   $0.1018  1.2 MB
    ● Fix the failing date test                              work/project          anthropic/claude-sonnet-4-5…      live      8    2  74.2k  1.0k   $0.1018  1.2 MB
    └ Search the history                                     work/project          anthropic/claude-sonnet-4-5         3m      8       74.2k  1.0k   $0.1018  1.2 MB
    An older one with a title that takes more room           work/project          anthropic/claude-sonnet-4-5         2d      8       74.2k  1.0k   $0.1018  1.2 MB
    (untitled)                                               work/project                                          11 Sep      1                              1.2 MB




    enter open  f filter  q quit  ? help
    ");
}

#[test]
fn timeline_at_80() {
    let mut screen = Screen::new((80, 24), options());
    screen.answer(told(sessions()));
    screen.key(Key::Down);
    screen.key(Key::Enter);
    screen.answer(timeline(rows()));
    insta::assert_snapshot!(screen.text(), @r"
    ● Fix the failing date test                       ses_e07ccbea3ffeBB3KYdJh7Puf9E
    2 errors · 8 requests · 74.2k in (61.0k cached), 1.0k out · $0.1018 · anthropic…
    all  requests  responses  errors  tools                        following · 11/11
                                             size   change status      took     cost
    ❯ The date test fails since Friday. Can you find out why? \u{202e}evil
       2 claude-sonnet-4-5 (build)  ████▋   48 kB          200        4.21s  $0.0123
         ✓ read src/date.ts                                            52ms
         ! bash npm test -- --run 漢字 date.test.ts        exit 1      52ms
       3 overloaded_error: Overloa… ██████  61 kB   +13 kB 529        4.21s
       4 try 2                      ██████  61 kB        = 200        4.21s  $0.0123
         ✗ edit src/date.ts · oldString not found in cont… failed      52ms
         ✓ task Search the history ↳ session                           52ms
    ❯ compaction
       5 streaming 12 kB 3.0 kB/s   █▉      20 kB   -41 kB 200        6.00s
         … bash sleep 60                                   running    2.00s








    enter open  esc back  f filter  r requests  p responses  e errors  ? help
    ");
}

#[test]
fn timeline_at_160() {
    let mut screen = Screen::new((160, 50), options());
    screen.answer(told(sessions()));
    screen.key(Key::Down);
    screen.key(Key::Enter);
    screen.answer(timeline(rows()));
    screen.resize(160, 24);
    insta::assert_snapshot!(screen.text(), @r"
    ● Fix the failing date test                                                                                                       ses_e07ccbea3ffeBB3KYdJh7Puf9E
    2 errors · 8 requests · 74.2k in (61.0k cached), 1.0k out · $0.1018 · anthropic/claude-sonnet-4-5, anthropic/claude-haiku-4-5
    all  requests  responses  errors  tools                                                                                                        following · 11/11
    at                                                                                             size   change status     first   took    in cached   out     cost
    08:39:18  ❯ The date test fails since Friday. Can you find out why? \u{202e}evil
    08:39:20     2 claude-sonnet-4-5 (build)                                              ████▋   48 kB          200        1.24s  4.21s 12.1k   9.8k   421  $0.0123
    08:39:25       ✓ read src/date.ts                                                                                               52ms
    08:39:26       ! bash npm test -- --run 漢字 date.test.ts                                                    exit 1             52ms
    08:39:38     3 overloaded_error: Overloaded␛[31m                                      ██████  61 kB   +13 kB 529        1.24s  4.21s
    08:39:42     4 try 2                                                                  ██████  61 kB        = 200        1.24s  4.21s 12.1k   9.8k   421  $0.0123
    08:39:47       ✗ edit src/date.ts · oldString not found in content                                           failed             52ms
    08:39:48       ✓ task Search the history ↳ session                                                                              52ms
    08:49:08  ❯ compaction
    08:49:12     5 streaming 12 kB 3.0 kB/s                                               █▉      20 kB   -41 kB 200        1.50s  6.00s
    08:49:16       … bash sleep 60                                                                               running           2.00s








    enter open  esc back  f filter  r requests  p responses  e errors  t tools  y copy  s save  ? help
    ");
}

#[test]
fn colours() {
    let mut screen =
        Screen::new((80, 12), crate::terminal::Options { theme: Theme::Light, ..options() });
    screen.answer(told(sessions()));
    insta::assert_snapshot!(screen.styled(), @r"
    {B}octrace  {D}tape                                                         5 sessions
    {D}session                                  when    req  err     in   out      cost
    {BR}␛]0;owned␇漢{} {BR}字{} {BR} 👩‍💻{} {BR} family\u{202e}{R}           1m      8       74.2k  1.0k   $0.1018
    {R}  文{} {R}字{} {R}/と{} {R}て{} {R}も{} {R}長{} {R}い{} {R}名{} {R}前{} {R}の{} {R}フ{} {R}ォ{} {R}ル{} {R}ダ{} {R}ー{} {R} · anthropic/claude-sonnet-4-5 · ses_e07c␛[2J
    {green}● {B}Fix the failing date test              {green}live      {}8    {redB}2  {}74.2k  1.0k   $0.1018
      {D}work/project · anthropic/claude-sonnet-4-5 +1 · ses_e07ccbea3ffeBB3KYdJh7Puf9E
    {D}└ {B}Search the history                       {}3m      8       74.2k  1.0k   $0.1018
        {D}work/project · anthropic/claude-sonnet-4-5 · ses_e07cca11effeXW2vT8sGzP0mQ1
    {B}An older one with a title that tak…        {}2d      8       74.2k  1.0k   $0.1018
      {D}work/project · anthropic/claude-sonnet-4-5 · ses_e07c00000ffe7Ci1RtZFPYXt42

    {blue}enter {D}open  {blue}f {D}filter  {blue}q {D}quit  {blue}? {D}help
    ");
}

#[test]
fn help_at_80() {
    let mut screen = Screen::new((80, 24), options());
    screen.key(Key::Char('?'));
    insta::assert_snapshot!(screen.text(), @"
    help

    enter l →                open it
    f /                      show only what matches
    y                        copy the session's id
    ↑ k                      up
    ↓ j                      down
    ctrl-u                   half a page up
    ctrl-d                   half a page down
    pgup ctrl-b              a page up
    pgdn ctrl-f              a page down
    g home                   to the beginning
    G end                    to the end
    T                        colours for dark, for light, or none
    m                        mouse off, so that the terminal's own selection works,…
    ctrl-z                   back to the shell until `fg`
    ?                        what can be done here
    q ctrl-c                 quit
    ");
}
