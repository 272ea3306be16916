// The server's OpenAI endpoints.

/** The served model: { id, context }. */
export async function fetchModel(settings) {
  const response = await fetch("v1/models", { headers: headers(settings) });
  if (!response.ok) throw new Error(await errorOf(response));
  const model = (await response.json()).data[0];
  return { id: model.id, context: model.max_model_len ?? model.context_length ?? 0 };
}

/** The request body for a conversation. */
export function requestOf(model, conversation, settings) {
  const body = {
    model: model.id,
    messages: messagesOf(conversation),
    stream: true,
    stream_options: { include_usage: true },
  };
  for (const name of ["temperature", "top_p", "top_k", "max_tokens", "seed"]) {
    if (settings[name] !== "") body[name] = Number(settings[name]);
  }

  if (settings.thinking === "off") body.enable_thinking = false;
  if (settings.thinking === "budget" && settings.budget !== "") body.thinking_token_budget = Number(settings.budget);
  if (settings.tools.trim() !== "") body.tools = JSON.parse(settings.tools);
  return body;
}

/** Streams an answer: yields { reasoning, content, toolCalls, finish, usage } parts as they come. */
export async function* streamAnswer(body, settings, signal) {
  const response = await fetch("v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers(settings) },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok) throw new Error(await errorOf(response));
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    const choice = chunk.choices?.[0];
    yield {
      reasoning: choice?.delta?.reasoning_content ?? "",
      content: choice?.delta?.content ?? "",
      toolCalls: choice?.delta?.tool_calls ?? [],
      finish: choice?.finish_reason ?? null,
      usage: chunk.usage ?? null,
    };
  }
}

function headers(settings) {
  return settings.key ? { Authorization: `Bearer ${settings.key}` } : {};
}

/** Thinking is left out of the history, as the model's own format does. */
function messagesOf(conversation) {
  const history = conversation.messages.filter((message) => !message.failed).map((message) => {
    if (message.role === "tool") return { role: "tool", tool_call_id: message.tool_call_id, name: message.name, content: message.content };
    if (message.role === "user") return { role: "user", content: message.content };
    const calls = message.tool_calls?.length ? { tool_calls: message.tool_calls } : {};
    return { role: "assistant", content: message.content, ...calls };
  });
  return conversation.system ? [{ role: "system", content: conversation.system }, ...history] : history;
}

async function errorOf(response) {
  const body = await response.text();
  try {
    return JSON.parse(body).error.message;
  } catch {
    return `HTTP ${response.status}`;
  }
}

/** The data of server-sent events; a comment keeps the connection alive and is passed over. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer += value;
    for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
      const lines = buffer.slice(0, end).split("\n");
      buffer = buffer.slice(end + 2);
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
      if (data !== "") yield data;
    }
  }
}
