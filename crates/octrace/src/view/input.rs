//! What people do, in the words of the viewer's state.

use std::{io, sync::mpsc::Sender};

use crossterm::event::{
    self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use octrace_view::terminal::{
    Event,
    input::{Input, Key, Mouse, MouseAction},
};

use super::wake::{Wake, thread};

/// Reads the terminal from now on.
pub(super) fn watch(wake: &Sender<Wake>) -> io::Result<()> {
    let tell = wake.clone();
    thread("input", wake, move || {
        while let Ok(event) = event::read() {
            let Some(wake) = translate(event) else { continue };
            if tell.send(wake).is_err() {
                return;
            }
        }
    })
}

/// `None` for what nobody wants to know.
fn translate(event: event::Event) -> Option<Wake> {
    let input = match event {
        event::Event::Key(event) => Input::Key(key(event)?),
        event::Event::Mouse(event) => {
            let what = match event.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseAction::Press,
                MouseEventKind::Drag(MouseButton::Left) => MouseAction::Drag,
                MouseEventKind::Up(MouseButton::Left) => MouseAction::Release,
                MouseEventKind::ScrollUp => MouseAction::WheelUp,
                MouseEventKind::ScrollDown => MouseAction::WheelDown,
                _ => return None,
            };
            Input::Mouse(Mouse { what, x: event.column, y: event.row })
        }
        event::Event::Paste(text) => Input::Paste(text),
        event::Event::Resize(..) => return Some(Wake::Resized),
        event::Event::FocusGained | event::Event::FocusLost => return None,
    };
    Some(Wake::Event(Event::Input(input)))
}

fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(match event.code {
        // With Alt it is another key than without.
        _ if event.modifiers.contains(KeyModifiers::ALT) => return None,
        KeyCode::Char(char) if control => Key::Ctrl(char.to_ascii_lowercase()),
        KeyCode::Char(char) => Key::Char(char),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
