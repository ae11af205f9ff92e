//! Chat: tokens of bots, webhooks.

use crate::redact::text::{
    Find, Rule, beside,
    token::{self, Token},
    webhook,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "Slack token",
        anchors: &[
            "xoxb-", "xoxp-", "xoxa-", "xoxs-", "xoxr-", "xoxc-", "xoxd-", "xoxo-", "xoxe.",
            "xoxe-",
        ],
        find: Find::Token(Token::from(token::ENCODED, 20)),
        hits: &[
            "«xoxb-<12d>-<12d>-<24a>»",
            "«xoxp-<11d>-<11d>-<12d>-<32h>»",
            "«xoxe-1-<60a>»",
            "«xoxd-<40a>%2B<20a>»",
        ],
        misses: &["xoxb-<9d>", "xoxb-your-token"],
    },
    Rule {
        name: "Slack rotated token",
        anchors: &["xoxe.xoxp-", "xoxe.xoxb-"],
        find: Find::Token(Token::from(token::WORD, 40)),
        hits: &["«xoxe.xoxp-1-<160a>»"],
        misses: &["xoxe.xoxp-1-"],
    },
    Rule {
        name: "Slack app token",
        anchors: &["xapp-"],
        find: Find::Token(Token::from(token::WORD, 40)),
        hits: &["«xapp-1-A<10u>-<13d>-<64h>»"],
        misses: &["xapp-1", "xapp-sidebar-container-wrapper"],
    },
    Rule {
        name: "Slack webhook",
        anchors: &["hooks.slack.com/"],
        find: Find::With(webhook::slack),
        hits: &[
            "https://hooks.slack.com/services/«T<8u>/B<8u>/<24a>»",
            "https://hooks.slack.com/workflows/«T<8u>/A<8u>/<18d>/<24a>»",
        ],
        misses: &["https://hooks.slack.com/services/", "https://hooks.slack.com/docs"],
    },
    Rule {
        name: "Discord webhook",
        anchors: &["discord.com/api/", "discordapp.com/api/"],
        find: Find::With(webhook::discord),
        hits: &[
            "https://discord.com/api/webhooks/<18d>/«<68w>»",
            "https://discordapp.com/api/v10/webhooks/<18d>/«<68w>»",
        ],
        misses: &["https://discord.com/api/webhooks/<18d>", "https://discord.com/api/v10/users"],
    },
    Rule {
        name: "Discord bot token",
        anchors: &[
            "MTA", "MTE", "MTI", "MTM", "MTQ", "MTU", "MTY", "MTc", "MTg", "MTk", "MjA", "MjE",
            "MjI", "MjM", "MjQ", "MjU", "MjY", "Mjc", "Mjg", "Mjk", "MzA", "MzE", "MzI", "MzM",
            "MzQ", "MzU", "MzY", "Mzc", "Mzg", "Mzk", "NDA", "NDE", "NDI", "NDM", "NDQ", "NDU",
            "NDY", "NDc", "NDg", "NDk", "NTA", "NTE", "NTI", "NTM", "NTQ", "NTU", "NTY", "NTc",
            "NTg", "NTk", "NjA", "NjE", "NjI", "NjM", "NjQ", "NjU", "NjY", "Njc", "Njg", "Njk",
            "NzA", "NzE", "NzI", "NzM", "NzQ", "NzU", "NzY", "Nzc", "Nzg", "Nzk", "ODA", "ODE",
            "ODI", "ODM", "ODQ", "ODU", "ODY", "ODc", "ODg", "ODk", "OTA", "OTE", "OTI", "OTM",
            "OTQ", "OTU", "OTY", "OTc", "OTg", "OTk",
        ],
        find: Find::With(beside::discord_bot),
        hits: &["«MTk4NjIyNDgzNDcxOTI1MjQ4.<6w>.<38w>»", "«NzA<21a>.<6w>.<27w>»"],
        misses: &["MTk4NjIyNDgzNDcxOTI1MjQ4", "MTk.<6w>.<27w>"],
    },
    Rule {
        name: "Telegram bot token",
        anchors: &[":AA"],
        find: Find::With(beside::telegram_bot),
        hits: &["«<10d>:AA<33w>»"],
        misses: &["<10d>:AA<20w>", "a:AA<33w>"],
    },
    Rule {
        name: "Teams webhook",
        anchors: &[".webhook.office.com/"],
        find: Find::With(webhook::teams),
        hits: &[
            "https://acme.webhook.office.com/webhookb2/«<8h>-<4h>-<4h>-<4h>-<12h>@<8h>-<4h>-<4h>-<4h>-<12h>/IncomingWebhook/<32h>/<8h>-<4h>-<4h>-<4h>-<12h>»",
        ],
        misses: &["https://acme.webhook.office.com/", "see outlook.webhook.office.com/ for more"],
    },
    Rule {
        name: "Matrix token",
        anchors: &["syt_"],
        find: Find::Token(Token::from(token::WORD, 30).random()),
        hits: &["«syt_<30w>»"],
        misses: &["syt_<9w>"],
    },
];
