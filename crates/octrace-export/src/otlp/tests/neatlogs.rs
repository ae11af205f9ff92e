//! The sample in the words of Neatlogs.

use super::{Profile, told};

#[test]
fn the_sample() {
    insta::assert_snapshot!(told(Profile::Neatlogs), @r#"
    resource
        service.name = neatlogs.opencode
        service.version = VERSION
        neatlogs.workflow_name = opencode
        telemetry.sdk.name = octrace
        telemetry.sdk.language = rust
        telemetry.sdk.version = VERSION
    scope neatlogs.opencode VERSION
    opencode.llm.m1 t=d3e211 s=ffa922 p=ac946f INTERNAL at 2110 ms, 40 ms ERROR no such model
        neatlogs.span.kind = LLM
        neatlogs.conversation.id = ses_root
        neatlogs.llm.model_name = m1
        neatlogs.llm.provider = mock
        neatlogs.llm.input_messages.0.role = user
        neatlogs.llm.input_messages.0.content = look
        input.value = look
        neatlogs.input.value = look
        neatlogs.llm.input = look
        opencode.session.id = ses_child
        opencode.message.id = msg_5
        error.type = 400
        opencode.attempt at 2110 ms
            opencode.attempt.number = 1
            opencode.attempt.duration = 0.04
            http.response.status_code = 400
            error.type = 400
            error.message = no such model
    opencode.session t=d3e211 s=ac946f p=599d7f INTERNAL at 2100 ms, 100 ms ERROR no such model
        neatlogs.span.kind = AGENT
        neatlogs.agent.framework = opencode
        neatlogs.conversation.id = ses_root
        neatlogs.session.id = ses_root
        input.value = look
        neatlogs.input.value = look
        neatlogs.agent.input = look
        opencode.session.id = ses_child
        opencode.message.id = msg_4
        opencode.version = 1.18.33
        error.type = 400
    opencode.llm.m1 t=d3e211 s=e4504e p=cbdfb4 INTERNAL at 1010 ms, 10 ms OK
        neatlogs.span.kind = LLM
        neatlogs.conversation.id = ses_root
        neatlogs.llm.model_name = m1
        neatlogs.llm.provider = mock
        opencode.session.id = ses_root
        opencode.purpose = title
    opencode.llm.m1 t=d3e211 s=29e735 p=cbdfb4 INTERNAL at 1100 ms, 900 ms OK
        neatlogs.span.kind = LLM
        neatlogs.conversation.id = ses_root
        neatlogs.llm.model_name = m1
        neatlogs.llm.provider = mock
        neatlogs.llm.input_messages.0.role = system
        neatlogs.llm.input_messages.0.content = You are OpenCode.
        neatlogs.llm.input_messages.1.role = user
        neatlogs.llm.input_messages.1.content = fix it\nplease
        input.value = fix it\nplease
        neatlogs.input.value = fix it\nplease
        neatlogs.llm.input = fix it\nplease
        neatlogs.llm.output_messages.0.role = assistant
        neatlogs.llm.output_messages.0.content = Let me look.
        output.value = Let me look.
        neatlogs.output.value = Let me look.
        neatlogs.llm.output = Let me look.
        neatlogs.llm.tool_calls.0.name = read
        neatlogs.llm.tool_calls.0.arguments = {"filePath":"a.txt"}
        neatlogs.llm.tool_calls.1.name = task
        neatlogs.llm.tool_calls.1.arguments = no JSON
        neatlogs.llm.token_count.prompt = 1200
        neatlogs.llm.token_count.completion = 34
        neatlogs.llm.token_count.total = 1234
        neatlogs.llm.token_count.reasoning = 7
        neatlogs.llm.token_count.cache_read = 1000
        neatlogs.llm.token_count.cache_write = 100
        neatlogs.llm.cost_usd = 0.00141
        neatlogs.llm.finish_reason = tool_calls
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        opencode.attempts = 2
        opencode.attempt at 1100 ms
            opencode.attempt.number = 1
            opencode.attempt.duration = 0.1
            http.response.status_code = 503
            error.type = 503
            error.message = overloaded
        opencode.attempt at 1700 ms
            opencode.attempt.number = 2
            opencode.attempt.duration = 0.3
            http.response.status_code = 200
    opencode.tool.read t=d3e211 s=76a706 p=cbdfb4 INTERNAL at 2010 ms, 10 ms ERROR File not found
        neatlogs.span.kind = TOOL
        neatlogs.tool.name = read
        neatlogs.conversation.id = ses_root
        input.value = {"filePath":"a.txt"}
        neatlogs.input.value = {"filePath":"a.txt"}
        neatlogs.tool.input = {"filePath":"a.txt"}
        output.value = File not found
        neatlogs.output.value = File not found
        neatlogs.tool.output = File not found
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        error.type = tool_error
    opencode.tool.task t=d3e211 s=599d7f p=cbdfb4 INTERNAL at 2030 ms, 1870 ms OK
        neatlogs.span.kind = TOOL
        neatlogs.tool.name = task
        neatlogs.conversation.id = ses_root
        input.value = {"prompt":"look"}
        neatlogs.input.value = {"prompt":"look"}
        neatlogs.tool.input = {"prompt":"look"}
        neatlogs.tool.title = look for it
        output.value = nothing
        neatlogs.output.value = nothing
        neatlogs.tool.output = nothing
        neatlogs.tool.metadata = {"sessionId":"ses_child"}
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        opencode.tool.exit_code = 0
    opencode.llm.m1 t=d3e211 s=569f4f p=cbdfb4 INTERNAL at 4000 ms, 100 ms OK
        neatlogs.span.kind = LLM
        neatlogs.conversation.id = ses_root
        neatlogs.llm.model_name = m1
        neatlogs.llm.provider = mock
        neatlogs.llm.input_messages.0.role = system
        neatlogs.llm.input_messages.0.content = You are OpenCode.
        neatlogs.llm.input_messages.1.role = user
        neatlogs.llm.input_messages.1.content = fix it\nplease
        neatlogs.llm.input_messages.2.role = assistant
        neatlogs.llm.input_messages.2.content = Let me look.
        neatlogs.llm.input_messages.3.role = tool
        neatlogs.llm.input_messages.3.content = File not found
        neatlogs.llm.input_messages.4.role = tool
        neatlogs.llm.input_messages.4.content = nothing
        neatlogs.llm.input_messages.5.role = user
        neatlogs.llm.input_messages.5.content = [image/png, 2048 bytes]\n{"type":"odd"}
        input.value = fix it\nplease
        neatlogs.input.value = fix it\nplease
        neatlogs.llm.input = fix it\nplease
        neatlogs.llm.output_messages.0.role = assistant
        neatlogs.llm.output_messages.0.content = Done.
        output.value = Done.
        neatlogs.output.value = Done.
        neatlogs.llm.output = Done.
        neatlogs.llm.token_count.prompt = 50
        neatlogs.llm.token_count.completion = 5
        neatlogs.llm.token_count.total = 55
        neatlogs.llm.token_count.reasoning = 0
        neatlogs.llm.token_count.cache_read = 0
        neatlogs.llm.token_count.cache_write = 0
        neatlogs.llm.finish_reason = stop
        opencode.session.id = ses_root
        opencode.message.id = msg_3
    opencode.session t=d3e211 s=cbdfb4 p=- INTERNAL at 1000 ms, 3200 ms OK
        neatlogs.span.kind = AGENT
        neatlogs.agent.framework = opencode
        neatlogs.conversation.id = ses_root
        neatlogs.session.id = ses_root
        input.value = fix it\nplease
        neatlogs.input.value = fix it\nplease
        neatlogs.agent.input = fix it\nplease
        output.value = Done.
        neatlogs.output.value = Done.
        neatlogs.agent.output = Done.
        opencode.session.id = ses_root
        opencode.message.id = msg_1
        opencode.version = 1.18.33
    neatlogs.trace.complete t=d3e211 s=5e9595 p=cbdfb4 INTERNAL at 4200 ms, 0 ms
        neatlogs.trace.complete = true
        neatlogs.internal = true
        neatlogs.span.kind = Neatlogs.INTERNAL
        neatlogs.conversation.id = ses_root
    "#);
}
