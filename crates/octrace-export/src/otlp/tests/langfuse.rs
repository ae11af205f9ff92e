//! The sample in the words of Langfuse.

use super::{Profile, told};

#[test]
fn the_sample() {
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
