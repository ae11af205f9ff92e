//! `octrace config`: every setting, its value, and where it came from.

use clap::Args;
use serde::Serialize;

use super::{Context, error::Result};
use crate::config::{Origin, Problem, Settings, Spec, Value, agent_trace::APPLICATION_DATABASE};

/// Show every setting, its value, and where it came from
#[derive(Args)]
pub(super) struct Config {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints; a promise.
#[derive(Serialize)]
struct Printed<'a> {
    /// The user's file, whether it exists or not.
    file: String,
    settings: Vec<Setting>,
    /// What has no effect.
    problems: &'a [Problem],
}

#[derive(Serialize)]
struct Setting {
    /// In `config.toml`.
    key: &'static str,
    /// The variable of the environment that beats it.
    environment: Option<&'static str>,
    /// The option beside the plugin's name in OpenCode's configuration, which beats the file.
    option: Option<&'static str>,
    about: &'static str,
    value: String,
    origin: Origin,
    /// In `config.toml`, where that is the origin.
    line: Option<usize>,
}

impl Config {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { settings, out, .. } = context;
        let printed = printed(settings);
        if self.json {
            return out.json(&printed);
        }
        for setting in &printed.settings {
            let origin = match setting.origin {
                Origin::Environment => setting.environment.unwrap_or_default().to_owned(),
                Origin::Application => APPLICATION_DATABASE.to_owned(),
                Origin::Option => "the plugin's options".to_owned(),
                Origin::File => format!("{}:{}", printed.file, setting.line.unwrap_or_default()),
                Origin::Default => "default".to_owned(),
            };
            out.line(&format!("{} = {}", setting.key, setting.value))?;
            out.line(&format!("  {}; from: {origin}", setting.about))?;
            let option = setting.option.map(|name| format!("the plugin's option `{name}`"));
            let variable = setting.environment.map(str::to_owned);
            let places = [variable, option].into_iter().flatten();
            let places: String = places.map(|place| format!("with {place}, or ")).collect();
            out.line(&format!("  set it {places}in {}", printed.file))?;
        }
        for problem in printed.problems {
            out.note(&problem.to_string());
        }
        Ok(())
    }
}

fn printed(settings: &Settings) -> Printed<'_> {
    let setting = |(spec, value): (&'static Spec, Value<String>)| Setting {
        key: spec.key,
        environment: spec.variable,
        option: spec.option,
        about: spec.about,
        value: value.value,
        origin: value.origin,
        line: value.line,
    };
    Printed {
        file: settings.file.display().to_string(),
        settings: settings.all().into_iter().map(setting).collect(),
        problems: &settings.problems,
    }
}
