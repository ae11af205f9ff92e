//! Every name of an attribute that is sent, by whose it is.

/// OpenTelemetry's conventions for generative AI, all of them in development: repository
/// `open-telemetry/semantic-conventions-genai`, `docs/gen-ai/client-inference.md` at commit
/// `ac48b1f9df15fdf281b96cccf15eb707e1fc1868` with `docs/gen-ai/non-normative/migration.md` at
/// `32c328e85013588c6fe32ebc30934ab5b1752b6a`, on semantic conventions 1.44; read in November 2026. Since 1.41, which many
/// backends know, one name of these has changed: what is written to a cache was `cache_creation`.
pub(super) mod gen_ai {
    pub(crate) const OPERATION: &str = "gen_ai.operation.name";
    pub(crate) const PROVIDER: &str = "gen_ai.provider.name";
    pub(crate) const CONVERSATION: &str = "gen_ai.conversation.id";
    pub(crate) const AGENT: &str = "gen_ai.agent.name";
    pub(crate) const REQUEST_MODEL: &str = "gen_ai.request.model";
    pub(crate) const STREAM: &str = "gen_ai.request.stream";
    pub(crate) const TEMPERATURE: &str = "gen_ai.request.temperature";
    pub(crate) const TOP_P: &str = "gen_ai.request.top_p";
    pub(crate) const TOP_K: &str = "gen_ai.request.top_k";
    pub(crate) const MAX_TOKENS: &str = "gen_ai.request.max_tokens";
    pub(crate) const FREQUENCY_PENALTY: &str = "gen_ai.request.frequency_penalty";
    pub(crate) const PRESENCE_PENALTY: &str = "gen_ai.request.presence_penalty";
    pub(crate) const SEED: &str = "gen_ai.request.seed";
    pub(crate) const STOP_SEQUENCES: &str = "gen_ai.request.stop_sequences";
    pub(crate) const REASONING_LEVEL: &str = "gen_ai.request.reasoning.level";
    pub(crate) const RESPONSE_MODEL: &str = "gen_ai.response.model";
    pub(crate) const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
    /// Seconds.
    pub(crate) const TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
    pub(crate) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
    pub(crate) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
    pub(crate) const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
    pub(crate) const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
    pub(crate) const CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_write.input_tokens";
    /// No convention has it; Langfuse, Laminar and OpenLIT read it.
    pub(crate) const COST: &str = "gen_ai.usage.cost";
    pub(crate) const SYSTEM_INSTRUCTIONS: &str = "gen_ai.system_instructions";
    pub(crate) const INPUT_MESSAGES: &str = "gen_ai.input.messages";
    pub(crate) const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
    pub(crate) const TOOL_DEFINITIONS: &str = "gen_ai.tool.definitions";
    pub(crate) const TOOL: &str = "gen_ai.tool.name";
    pub(crate) const TOOL_TYPE: &str = "gen_ai.tool.type";
    pub(crate) const TOOL_CALL: &str = "gen_ai.tool.call.id";
    pub(crate) const TOOL_ARGUMENTS: &str = "gen_ai.tool.call.arguments";
    pub(crate) const TOOL_RESULT: &str = "gen_ai.tool.call.result";
}

/// OpenTelemetry's semantic conventions in general, 1.44.
pub(super) mod otel {
    pub(crate) const ERROR_TYPE: &str = "error.type";
    pub(crate) const ERROR_MESSAGE: &str = "error.message";
    pub(crate) const HTTP_STATUS: &str = "http.response.status_code";
    pub(crate) const SERVER_ADDRESS: &str = "server.address";
    pub(crate) const SERVER_PORT: &str = "server.port";
    pub(crate) const SERVICE: &str = "service.name";
    pub(crate) const SERVICE_VERSION: &str = "service.version";
    pub(crate) const SESSION: &str = "session.id";
    pub(crate) const SDK: &str = "telemetry.sdk.name";
    pub(crate) const SDK_LANGUAGE: &str = "telemetry.sdk.language";
    pub(crate) const SDK_VERSION: &str = "telemetry.sdk.version";
}

/// Our own, in all profiles: what nobody has a name for.
pub(super) mod own {
    /// The session that it happened in, which is not the user's in sub-agents.
    pub(crate) const SESSION: &str = "opencode.session.id";
    /// The user message of a turn, or the assistant message of a call.
    pub(crate) const MESSAGE: &str = "opencode.message.id";
    /// Of OpenCode; on turns.
    pub(crate) const VERSION: &str = "opencode.version";
    /// `title`, `summary`, `compaction`.
    pub(crate) const PURPOSE: &str = "opencode.purpose";
    /// The exit code of a shell command.
    pub(crate) const EXIT: &str = "opencode.tool.exit_code";
    /// How many requests a call took, where it was not one.
    pub(crate) const ATTEMPTS: &str = "opencode.attempts";
    /// The event for each of them.
    pub(crate) const ATTEMPT: &str = "opencode.attempt";
    /// From 1.
    pub(crate) const ATTEMPT_NUMBER: &str = "opencode.attempt.number";
    /// Seconds.
    pub(crate) const ATTEMPT_DURATION: &str = "opencode.attempt.duration";
}

/// OpenInference: repository `Arize-ai/openinference`, `spec/semantic_conventions.md` at commit
/// `00e2b51591f324f020677beba37b14a8fd4e517f`; read in November 2026.
pub(super) mod openinference {
    pub(crate) const PROJECT: &str = "openinference.project.name";
    pub(crate) const KIND: &str = "openinference.span.kind";
    pub(crate) const AGENT: &str = "agent.name";
    pub(crate) const INPUT: &str = "input.value";
    pub(crate) const INPUT_TYPE: &str = "input.mime_type";
    pub(crate) const OUTPUT: &str = "output.value";
    pub(crate) const OUTPUT_TYPE: &str = "output.mime_type";
    pub(crate) const SYSTEM: &str = "llm.system";
    pub(crate) const PROVIDER: &str = "llm.provider";
    pub(crate) const MODEL: &str = "llm.model_name";
    pub(crate) const REQUEST_MODEL: &str = "llm.request.model_name";
    pub(crate) const RESPONSE_MODEL: &str = "llm.response.model_name";
    pub(crate) const PARAMETERS: &str = "llm.invocation_parameters";
    pub(crate) const FINISH_REASON: &str = "llm.finish_reason";
    pub(crate) const INPUT_MESSAGES: &str = "llm.input_messages";
    pub(crate) const OUTPUT_MESSAGES: &str = "llm.output_messages";
    pub(crate) const TOOLS: &str = "llm.tools";
    pub(crate) const PROMPT_TOKENS: &str = "llm.token_count.prompt";
    pub(crate) const COMPLETION_TOKENS: &str = "llm.token_count.completion";
    pub(crate) const TOTAL_TOKENS: &str = "llm.token_count.total";
    pub(crate) const CACHE_READ_TOKENS: &str = "llm.token_count.prompt_details.cache_read";
    pub(crate) const CACHE_WRITE_TOKENS: &str = "llm.token_count.prompt_details.cache_write";
    pub(crate) const REASONING_TOKENS: &str = "llm.token_count.completion_details.reasoning";
    pub(crate) const COST: &str = "llm.cost.total";
    pub(crate) const TOOL: &str = "tool.name";
    // In a message, after its place in the list.
    pub(crate) const ROLE: &str = "message.role";
    pub(crate) const CONTENT: &str = "message.content";
    pub(crate) const CONTENTS: &str = "message.contents";
    pub(crate) const CONTENT_TYPE: &str = "message_content.type";
    pub(crate) const CONTENT_TEXT: &str = "message_content.text";
    pub(crate) const ANSWERS: &str = "message.tool_call_id";
    pub(crate) const NAME: &str = "message.name";
    pub(crate) const CALLS: &str = "message.tool_calls";
    pub(crate) const CALL: &str = "tool_call.id";
    pub(crate) const FUNCTION: &str = "tool_call.function.name";
    pub(crate) const ARGUMENTS: &str = "tool_call.function.arguments";
    // In a tool, after its place in the list.
    pub(crate) const SCHEMA: &str = "tool.json_schema";
}

/// Langfuse: repository `langfuse/langfuse`, `packages/shared/src/server/otel/OtelIngestionProcessor.ts` at commit
/// `0030ed8fe732499506f8138623da0eabc12554a6`; read in November 2026.
pub(super) mod langfuse {
    pub(crate) const TRACE: &str = "langfuse.trace.name";
    pub(crate) const TYPE: &str = "langfuse.observation.type";
    pub(crate) const INPUT: &str = "langfuse.observation.input";
    pub(crate) const OUTPUT: &str = "langfuse.observation.output";
    pub(crate) const LEVEL: &str = "langfuse.observation.level";
    pub(crate) const STATUS: &str = "langfuse.observation.status_message";
    pub(crate) const MODEL: &str = "langfuse.observation.model.name";
    pub(crate) const PARAMETERS: &str = "langfuse.observation.model.parameters";
    pub(crate) const USAGE: &str = "langfuse.observation.usage_details";
    pub(crate) const COST: &str = "langfuse.observation.cost_details";
    pub(crate) const FIRST_TOKEN_AT: &str = "langfuse.observation.completion_start_time";
    pub(crate) const AGENT: &str = "langfuse.observation.metadata.agent";
    pub(crate) const PROVIDER: &str = "langfuse.observation.metadata.provider";
    pub(crate) const FINISH: &str = "langfuse.observation.metadata.finish_reason";
    pub(crate) const TOOLS: &str = "langfuse.observation.metadata.tools";
    pub(crate) const TITLE: &str = "langfuse.observation.metadata.title";
}

/// Neatlogs: what its own plugin for OpenCode, `neatlogs` 1.1.15 of npm, was seen to send.
pub(super) mod neatlogs {
    pub(crate) const WORKFLOW: &str = "neatlogs.workflow_name";
    pub(crate) const KIND: &str = "neatlogs.span.kind";
    pub(crate) const FRAMEWORK: &str = "neatlogs.agent.framework";
    pub(crate) const CONVERSATION: &str = "neatlogs.conversation.id";
    pub(crate) const SESSION: &str = "neatlogs.session.id";
    pub(crate) const INPUT: &str = "neatlogs.input.value";
    pub(crate) const OUTPUT: &str = "neatlogs.output.value";
    pub(crate) const AGENT_INPUT: &str = "neatlogs.agent.input";
    pub(crate) const AGENT_OUTPUT: &str = "neatlogs.agent.output";
    pub(crate) const LLM_INPUT: &str = "neatlogs.llm.input";
    pub(crate) const LLM_OUTPUT: &str = "neatlogs.llm.output";
    pub(crate) const MODEL: &str = "neatlogs.llm.model_name";
    pub(crate) const PROVIDER: &str = "neatlogs.llm.provider";
    pub(crate) const INPUT_MESSAGES: &str = "neatlogs.llm.input_messages";
    pub(crate) const OUTPUT_MESSAGES: &str = "neatlogs.llm.output_messages";
    pub(crate) const CALLS: &str = "neatlogs.llm.tool_calls";
    pub(crate) const PROMPT_TOKENS: &str = "neatlogs.llm.token_count.prompt";
    pub(crate) const COMPLETION_TOKENS: &str = "neatlogs.llm.token_count.completion";
    pub(crate) const TOTAL_TOKENS: &str = "neatlogs.llm.token_count.total";
    pub(crate) const REASONING_TOKENS: &str = "neatlogs.llm.token_count.reasoning";
    pub(crate) const CACHE_READ_TOKENS: &str = "neatlogs.llm.token_count.cache_read";
    pub(crate) const CACHE_WRITE_TOKENS: &str = "neatlogs.llm.token_count.cache_write";
    pub(crate) const COST: &str = "neatlogs.llm.cost_usd";
    pub(crate) const FINISH: &str = "neatlogs.llm.finish_reason";
    pub(crate) const TOOL: &str = "neatlogs.tool.name";
    pub(crate) const TOOL_INPUT: &str = "neatlogs.tool.input";
    pub(crate) const TOOL_OUTPUT: &str = "neatlogs.tool.output";
    pub(crate) const TOOL_TITLE: &str = "neatlogs.tool.title";
    pub(crate) const TOOL_METADATA: &str = "neatlogs.tool.metadata";
    pub(crate) const COMPLETE: &str = "neatlogs.trace.complete";
    pub(crate) const INTERNAL: &str = "neatlogs.internal";
}
