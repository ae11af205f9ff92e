//! The sample in the words of GenAI conventions.

use super::{Profile, told};

#[test]
fn the_sample() {
    insta::assert_snapshot!(told(Profile::GenAi), @r#"
    resource
        service.name = opencode
        telemetry.sdk.name = octrace
        telemetry.sdk.language = rust
        telemetry.sdk.version = VERSION
    scope octrace VERSION
    chat m1 t=d3e211 s=ffa922 p=ac946f CLIENT at 2110 ms, 40 ms ERROR no such model
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = chat
        gen_ai.provider.name = mock
        gen_ai.agent.name = general
        gen_ai.request.model = m1
        server.address = model.example
        server.port = 8443
        gen_ai.request.stream = true
        gen_ai.input.messages = [{"parts":[{"content":"look","type":"text"}],"role":"user"}]
        input.value = look
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
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = invoke_agent
        gen_ai.agent.name = general
        gen_ai.input.messages = [{"parts":[{"content":"look","type":"text"}],"role":"user"}]
        input.value = look
        opencode.session.id = ses_child
        opencode.message.id = msg_4
        opencode.version = 1.18.33
        error.type = 400
    chat m1 t=d3e211 s=e4504e p=cbdfb4 CLIENT at 1010 ms, 10 ms
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = chat
        gen_ai.provider.name = mock
        gen_ai.agent.name = title
        gen_ai.request.model = m1
        gen_ai.response.model = m1-2026
        server.address = model.example
        server.port = 8443
        gen_ai.request.stream = true
        opencode.session.id = ses_root
        opencode.purpose = title
    chat m1 t=d3e211 s=29e735 p=cbdfb4 CLIENT at 1100 ms, 900 ms
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = chat
        gen_ai.provider.name = mock
        gen_ai.agent.name = build
        gen_ai.request.model = m1
        gen_ai.response.model = m1-2026
        server.address = model.example
        server.port = 8443
        gen_ai.request.stream = true
        gen_ai.request.max_tokens = 32000
        gen_ai.request.stop_sequences = [END]
        gen_ai.request.temperature = 0.5
        gen_ai.response.finish_reasons = [tool_calls]
        gen_ai.response.time_to_first_chunk = 0.085
        gen_ai.usage.input_tokens = 1200
        gen_ai.usage.output_tokens = 34
        gen_ai.usage.reasoning.output_tokens = 7
        gen_ai.usage.cache_read.input_tokens = 1000
        gen_ai.usage.cache_write.input_tokens = 100
        gen_ai.usage.cost = 0.00141
        gen_ai.system_instructions = [{"content":"You are OpenCode.","type":"text"}]
        gen_ai.input.messages = [{"parts":[{"content":"fix it\nplease","type":"text"}],"role":"user"}]
        gen_ai.output.messages = [{"finish_reason":"tool_calls","parts":[{"content":"Hm.","type":"reasoning"},{"content":"Let me look.","type":"text"},{"arguments":{"filePath":"a.txt"},"id":"call_1","name":"read","type":"tool_call"},{"arguments":"no JSON","id":"call_2","name":"task","type":"tool_call"}],"role":"assistant"}]
        gen_ai.tool.definitions = [{"name":"read","type":"function"},{"name":"task","type":"function"}]
        input.value = fix it\nplease
        output.value = Let me look.
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
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = execute_tool
        gen_ai.tool.name = read
        gen_ai.tool.type = function
        gen_ai.tool.call.id = call_1
        gen_ai.tool.call.arguments = {"filePath":"a.txt"}
        input.value = {"filePath":"a.txt"}
        output.value = File not found
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        error.type = tool_error
    execute_tool task t=d3e211 s=599d7f p=cbdfb4 INTERNAL at 2030 ms, 1870 ms
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = execute_tool
        gen_ai.tool.name = task
        gen_ai.tool.type = function
        gen_ai.tool.call.id = call_2
        gen_ai.tool.call.arguments = {"prompt":"look"}
        gen_ai.tool.call.result = nothing
        input.value = {"prompt":"look"}
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        opencode.tool.exit_code = 0
    chat m1 t=d3e211 s=569f4f p=cbdfb4 CLIENT at 4000 ms, 100 ms
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = chat
        gen_ai.provider.name = mock
        gen_ai.agent.name = build
        gen_ai.request.model = m1
        gen_ai.response.model = m1-2026
        server.address = model.example
        server.port = 8443
        gen_ai.request.stream = true
        gen_ai.response.finish_reasons = [stop]
        gen_ai.usage.input_tokens = 50
        gen_ai.usage.output_tokens = 5
        gen_ai.usage.reasoning.output_tokens = 0
        gen_ai.usage.cache_read.input_tokens = 0
        gen_ai.usage.cache_write.input_tokens = 0
        gen_ai.system_instructions = [{"content":"You are OpenCode.","type":"text"}]
        gen_ai.input.messages = [{"parts":[{"content":"fix it\nplease","type":"text"}],"role":"user"},{"parts":[{"content":"Hm.","type":"reasoning"},{"content":"Let me look.","type":"text"},{"arguments":{"filePath":"a.txt"},"id":"call_1","name":"read","type":"tool_call"},{"arguments":"no JSON","id":"call_2","name":"task","type":"tool_call"}],"role":"assistant"},{"parts":[{"id":"call_1","response":"File not found","type":"tool_call_response"}],"role":"tool"},{"parts":[{"id":"call_2","name":"task","response":"nothing","type":"tool_call_response"}],"role":"tool"},{"parts":[{"bytes":2048,"mime_type":"image/png","type":"media"},{"content":{"type":"odd"},"type":"other"}],"role":"user"}]
        gen_ai.output.messages = [{"finish_reason":"stop","parts":[{"content":"Done.","type":"text"}],"role":"assistant"}]
        input.value = fix it\nplease
        output.value = Done.
        opencode.session.id = ses_root
        opencode.message.id = msg_3
    invoke_agent build t=d3e211 s=cbdfb4 p=- INTERNAL at 1000 ms, 3200 ms
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = invoke_agent
        gen_ai.agent.name = build
        gen_ai.input.messages = [{"parts":[{"content":"fix it\nplease","type":"text"}],"role":"user"}]
        gen_ai.output.messages = [{"parts":[{"content":"Done.","type":"text"}],"role":"assistant"}]
        input.value = fix it\nplease
        output.value = Done.
        opencode.session.id = ses_root
        opencode.message.id = msg_1
        opencode.version = 1.18.33
    "#);
}
