//! The same turns in the words of each profile.

use super::{Profile, options, pack, sample, show};

/// All of both turns, in one request.
fn told(profile: Profile) -> String {
    let parcels = pack(&options(profile), &[sample::child(), sample::root()]);
    assert_eq!(parcels.len(), 1);
    assert_eq!(parcels[0].turns, 0..2);
    show(&parcels[0].body)
}

#[test]
fn genai() {
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
        gen_ai.input.messages = [{"parts":[{"content":"fix it\nplease","type":"text"}],"role":"user"},{"parts":[{"content":"Hm.","type":"reasoning"},{"content":"Let me look.","type":"text"},{"arguments":{"filePath":"a.txt"},"id":"call_1","name":"read","type":"tool_call"},{"arguments":"no JSON","id":"call_2","name":"task","type":"tool_call"}],"role":"assistant"},{"parts":[{"id":"call_1","response":"File not found","type":"tool_call_response"},{"id":"call_2","name":"task","response":"nothing","type":"tool_call_response"},{"bytes":2048,"mime_type":"image/png","type":"media"},{"content":{"type":"odd"},"type":"other"}],"role":"user"}]
        gen_ai.output.messages = [{"finish_reason":"stop","parts":[{"content":"Done.","type":"text"}],"role":"assistant"}]
        opencode.session.id = ses_root
        opencode.message.id = msg_3
    invoke_agent build t=d3e211 s=cbdfb4 p=- INTERNAL at 1000 ms, 3200 ms
        gen_ai.conversation.id = ses_root
        session.id = ses_root
        gen_ai.operation.name = invoke_agent
        gen_ai.agent.name = build
        gen_ai.input.messages = [{"parts":[{"content":"fix it\nplease","type":"text"}],"role":"user"}]
        gen_ai.output.messages = [{"parts":[{"content":"Done.","type":"text"}],"role":"assistant"}]
        opencode.session.id = ses_root
        opencode.message.id = msg_1
        opencode.version = 1.18.33
    "#);
}

#[test]
fn openinference() {
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

#[test]
fn langfuse() {
    insta::assert_snapshot!(told(Profile::Langfuse), @r#"
    resource
        service.name = opencode
        telemetry.sdk.name = octrace
        telemetry.sdk.language = rust
        telemetry.sdk.version = VERSION
    scope octrace VERSION
    chat m1 t=d3e211 s=ffa922 p=ac946f CLIENT at 2110 ms, 40 ms ERROR no such model
        session.id = ses_root
        langfuse.trace.name = opencode
        langfuse.observation.level = ERROR
        langfuse.observation.status_message = no such model
        langfuse.observation.type = generation
        langfuse.observation.metadata.agent = general
        langfuse.observation.model.name = m1
        langfuse.observation.metadata.provider = mock
        langfuse.observation.input = [{"content":"look","role":"user"}]
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
        langfuse.trace.name = opencode
        langfuse.observation.level = ERROR
        langfuse.observation.status_message = no such model
        langfuse.observation.type = agent
        langfuse.observation.metadata.agent = general
        langfuse.observation.input = look
        opencode.session.id = ses_child
        opencode.message.id = msg_4
        opencode.version = 1.18.33
        error.type = 400
    chat m1 t=d3e211 s=e4504e p=cbdfb4 CLIENT at 1010 ms, 10 ms
        session.id = ses_root
        langfuse.trace.name = opencode
        langfuse.observation.type = generation
        langfuse.observation.metadata.agent = title
        langfuse.observation.model.name = m1-2026
        langfuse.observation.metadata.provider = mock
        opencode.session.id = ses_root
        opencode.purpose = title
    chat m1 t=d3e211 s=29e735 p=cbdfb4 CLIENT at 1100 ms, 900 ms
        session.id = ses_root
        langfuse.trace.name = opencode
        langfuse.observation.type = generation
        langfuse.observation.metadata.agent = build
        langfuse.observation.model.name = m1-2026
        langfuse.observation.metadata.provider = mock
        langfuse.observation.model.parameters = {"max_tokens":32000,"stop":["END"],"temperature":0.5,"tool_choice":"auto"}
        langfuse.observation.metadata.finish_reason = tool_calls
        langfuse.observation.usage_details = {"input":100,"input_cache_creation":100,"input_cached_tokens":1000,"output":27,"output_reasoning_tokens":7,"total":1234}
        langfuse.observation.cost_details = {"total":0.00141}
        langfuse.observation.completion_start_time = 1970-01-01T00:00:01.785Z
        langfuse.observation.input = [{"content":"You are OpenCode.","role":"system"},{"content":"fix it\nplease","role":"user"}]
        langfuse.observation.output = {"content":"Let me look.","reasoning_content":"Hm.","role":"assistant","tool_calls":[{"function":{"arguments":"{\"filePath\":\"a.txt\"}","name":"read"},"id":"call_1","type":"function"},{"function":{"arguments":"no JSON","name":"task"},"id":"call_2","type":"function"}]}
        langfuse.observation.metadata.tools = ["read","task"]
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
        langfuse.trace.name = opencode
        langfuse.observation.level = ERROR
        langfuse.observation.status_message = File not found
        langfuse.observation.type = tool
        langfuse.observation.input = {"filePath":"a.txt"}
        langfuse.observation.output = File not found
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        error.type = tool_error
    execute_tool task t=d3e211 s=599d7f p=cbdfb4 INTERNAL at 2030 ms, 1870 ms
        session.id = ses_root
        langfuse.trace.name = opencode
        langfuse.observation.type = tool
        langfuse.observation.metadata.title = look for it
        langfuse.observation.input = {"prompt":"look"}
        langfuse.observation.output = nothing
        opencode.session.id = ses_root
        opencode.message.id = msg_2
        opencode.tool.exit_code = 0
    chat m1 t=d3e211 s=569f4f p=cbdfb4 CLIENT at 4000 ms, 100 ms
        session.id = ses_root
        langfuse.trace.name = opencode
        langfuse.observation.type = generation
        langfuse.observation.metadata.agent = build
        langfuse.observation.model.name = m1-2026
        langfuse.observation.metadata.provider = mock
        langfuse.observation.metadata.finish_reason = stop
        langfuse.observation.usage_details = {"input":50,"input_cache_creation":0,"input_cached_tokens":0,"output":5,"output_reasoning_tokens":0,"total":55}
        langfuse.observation.input = [{"content":"You are OpenCode.","role":"system"},{"content":"fix it\nplease","role":"user"},{"content":"Let me look.","reasoning_content":"Hm.","role":"assistant","tool_calls":[{"function":{"arguments":"{\"filePath\":\"a.txt\"}","name":"read"},"id":"call_1","type":"function"},{"function":{"arguments":"no JSON","name":"task"},"id":"call_2","type":"function"}]},{"content":"File not found","role":"tool","tool_call_id":"call_1"},{"content":"nothing","name":"task","role":"tool","tool_call_id":"call_2"},{"content":"[image/png, 2048 bytes]\n{\"type\":\"odd\"}","role":"user"}]
        langfuse.observation.output = {"content":"Done.","role":"assistant"}
        opencode.session.id = ses_root
        opencode.message.id = msg_3
    invoke_agent build t=d3e211 s=cbdfb4 p=- INTERNAL at 1000 ms, 3200 ms
        session.id = ses_root
        langfuse.trace.name = opencode
        langfuse.observation.type = agent
        langfuse.observation.metadata.agent = build
        langfuse.observation.input = fix it\nplease
        langfuse.observation.output = Done.
        opencode.session.id = ses_root
        opencode.message.id = msg_1
        opencode.version = 1.18.33
    "#);
}

#[test]
fn neatlogs() {
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

#[test]
fn nothing_tells_where_the_user_works() {
    for profile in [Profile::GenAi, Profile::OpenInference, Profile::Langfuse, Profile::Neatlogs] {
        let told = told(profile);
        assert!(!told.contains("secret-project"), "{profile:?}");
        // Titles tell what it is about, and this is not where they would be taken out.
        assert!(!told.contains("Fixing it"), "{profile:?}");
    }
}
