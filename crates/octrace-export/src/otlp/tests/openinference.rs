//! The sample in the words of OpenInference.

use super::{Profile, told};

#[test]
fn the_sample() {
    insta::assert_snapshot!(told(Profile::OpenInference), @r#"
    resource
        service.name = opencode
        openinference.project.name = opencode
        telemetry.sdk.name = octrace
        telemetry.sdk.language = rust
        telemetry.sdk.version = VERSION
    scope octrace VERSION
    chat m1 t=d3e211 s=ffa922 p=ac946f CLIENT at 2110 ms, 40 ms ERROR no such model
        session.id = ses_root
        openinference.span.kind = LLM
        llm.system = openai
        llm.provider = mock
        llm.model_name = m1
        llm.request.model_name = m1
        llm.input_messages.0.message.role = user
        llm.input_messages.0.message.content = look
        input.value = look
        input.mime_type = text/plain
        opencode.session.id = ses_child
        opencode.message.id = msg_5
        error.type = 400
        opencode.attempt at 2110 ms
            opencode.attempt.number = 1
            opencode.attempt.duration = 0.04
            http.response.status_code = 400
            error.type = 400
            error.message = no such model
    invoke_agent general t=d3e211 s=ac946f p=599d7f INTERNAL at 2100 ms, 100 ms ERROR no such model
        session.id = ses_root
        openinference.span.kind = AGENT
        agent.name = general
        input.value = look
        input.mime_type = text/plain
        opencode.session.id = ses_child
        opencode.message.id = msg_4
        opencode.version = 1.18.33
        error.type = 400
    chat m1 t=d3e211 s=e4504e p=cbdfb4 CLIENT at 1010 ms, 10 ms
        session.id = ses_root
        openinference.span.kind = LLM
        llm.system = openai
        llm.provider = mock
        llm.model_name = m1
        llm.request.model_name = m1
        llm.response.model_name = m1-2026
        opencode.session.id = ses_root
        opencode.purpose = title
    chat m1 t=d3e211 s=29e735 p=cbdfb4 CLIENT at 1100 ms, 900 ms
        session.id = ses_root
        openinference.span.kind = LLM
        llm.system = openai
        llm.provider = mock
        llm.model_name = m1
        llm.request.model_name = m1
        llm.response.model_name = m1-2026
        llm.invocation_parameters = {"max_tokens":32000,"stop":["END"],"temperature":0.5,"tool_choice":"auto"}
        llm.finish_reason = tool_calls
        llm.token_count.prompt = 1200
        llm.token_count.completion = 34
        llm.token_count.total = 1234
        llm.token_count.prompt_details.cache_read = 1000
        llm.token_count.prompt_details.cache_write = 100
        llm.token_count.completion_details.reasoning = 7
        llm.cost.total = 0.00141
        llm.input_messages.0.message.role = system
        llm.input_messages.0.message.content = You are OpenCode.
        llm.input_messages.1.message.role = user
        llm.input_messages.1.message.content = fix it\nplease
        input.value = fix it\nplease
        input.mime_type = text/plain
        llm.output_messages.0.message.role = assistant
        llm.output_messages.0.message.contents.0.message_content.type = reasoning
        llm.output_messages.0.message.contents.0.message_content.text = Hm.
        llm.output_messages.0.message.contents.1.message_content.type = text
        llm.output_messages.0.message.contents.1.message_content.text = Let me look.
        llm.output_messages.0.message.tool_calls.0.tool_call.id = call_1
        llm.output_messages.0.message.tool_calls.0.tool_call.function.name = read
        llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments = {"filePath":"a.txt"}
        llm.output_messages.0.message.tool_calls.1.tool_call.id = call_2
        llm.output_messages.0.message.tool_calls.1.tool_call.function.name = task
        llm.output_messages.0.message.tool_calls.1.tool_call.function.arguments = no JSON
        output.value = Let me look.
        output.mime_type = text/plain
        llm.tools.0.tool.json_schema = {"function":{"name":"read"},"type":"function"}
        llm.tools.1.tool.json_schema = {"function":{"name":"task"},"type":"function"}
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
    execute_tool read t=d3e211 s=76a706 p=cbdfb4 INTERNAL at 2010 ms, 10 ms ERROR File not found
        session.id = ses_root
        openinference.span.kind = TOOL
        tool.name = read
        tool_call.id = call_1
        input.value = {"filePath":"a.txt"}
        input.mime_type = application/json
        output.value = File not found
        output.mime_type = text/plain
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        error.type = tool_error
    execute_tool task t=d3e211 s=599d7f p=cbdfb4 INTERNAL at 2030 ms, 1870 ms
        session.id = ses_root
        openinference.span.kind = TOOL
        tool.name = task
        tool_call.id = call_2
        input.value = {"prompt":"look"}
        input.mime_type = application/json
        output.value = nothing
        output.mime_type = text/plain
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        opencode.tool.exit_code = 0
    chat m1 t=d3e211 s=569f4f p=cbdfb4 CLIENT at 4000 ms, 100 ms
        session.id = ses_root
        openinference.span.kind = LLM
        llm.system = openai
        llm.provider = mock
        llm.model_name = m1
        llm.request.model_name = m1
        llm.response.model_name = m1-2026
        llm.finish_reason = stop
        llm.token_count.prompt = 50
        llm.token_count.completion = 5
        llm.token_count.total = 55
        llm.token_count.prompt_details.cache_read = 0
        llm.token_count.prompt_details.cache_write = 0
        llm.token_count.completion_details.reasoning = 0
        llm.input_messages.0.message.role = system
        llm.input_messages.0.message.content = You are OpenCode.
        llm.input_messages.1.message.role = user
        llm.input_messages.1.message.content = fix it\nplease
        llm.input_messages.2.message.role = assistant
        llm.input_messages.2.message.contents.0.message_content.type = reasoning
        llm.input_messages.2.message.contents.0.message_content.text = Hm.
        llm.input_messages.2.message.contents.1.message_content.type = text
        llm.input_messages.2.message.contents.1.message_content.text = Let me look.
        llm.input_messages.2.message.tool_calls.0.tool_call.id = call_1
        llm.input_messages.2.message.tool_calls.0.tool_call.function.name = read
        llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments = {"filePath":"a.txt"}
        llm.input_messages.2.message.tool_calls.1.tool_call.id = call_2
        llm.input_messages.2.message.tool_calls.1.tool_call.function.name = task
        llm.input_messages.2.message.tool_calls.1.tool_call.function.arguments = no JSON
        llm.input_messages.3.message.role = tool
        llm.input_messages.3.message.content = File not found
        llm.input_messages.3.message.tool_call_id = call_1
        llm.input_messages.4.message.role = tool
        llm.input_messages.4.message.content = nothing
        llm.input_messages.4.message.tool_call_id = call_2
        llm.input_messages.4.message.name = task
        llm.input_messages.5.message.role = user
        llm.input_messages.5.message.content = [image/png, 2048 bytes]\n{"type":"odd"}
        input.value = fix it\nplease
        input.mime_type = text/plain
        llm.output_messages.0.message.role = assistant
        llm.output_messages.0.message.content = Done.
        output.value = Done.
        output.mime_type = text/plain
        opencode.session.id = ses_root
        opencode.message.id = msg_3
    invoke_agent build t=d3e211 s=cbdfb4 p=- INTERNAL at 1000 ms, 3200 ms
        session.id = ses_root
        openinference.span.kind = AGENT
        agent.name = build
        input.value = fix it\nplease
        input.mime_type = text/plain
        output.value = Done.
        output.mime_type = text/plain
        opencode.session.id = ses_root
        opencode.message.id = msg_1
        opencode.version = 1.18.33
    "#);
}
