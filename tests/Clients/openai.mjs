// Runs npm openai against a server and prints what it saw as one JSON object: node openai.mjs BASE_URL API_KEY
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${baseURL}/v1`, apiKey, maxRetries: 0 });
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
  },
};
const model = (await client.models.list()).data[0].id;
const ask = (content, more = {}) => ({ model, messages: [{ role: "user", content }], ...more });
const seen = { model };

const chat = await client.chat.completions.create(ask("chat"));
seen.chat = { ...chat.choices[0].message, finish: chat.choices[0].finish_reason, usage: chat.usage };

seen.stream = { content: "", reasoning: "", finish: null, usage: null, firstRole: null };
for await (const chunk of await client.chat.completions.create(ask("chat", { stream: true, stream_options: { include_usage: true } }))) {
  const delta = chunk.choices[0]?.delta;
  seen.stream.firstRole ??= delta?.role ?? "missing";
  seen.stream.content += delta?.content ?? "";
  seen.stream.reasoning += delta?.reasoning_content ?? "";
  seen.stream.finish = chunk.choices[0]?.finish_reason ?? seen.stream.finish;
  seen.stream.usage = chunk.usage ?? seen.stream.usage;
}

const tools = await client.chat.completions.create(ask("tool", { tools: [weather] }));
seen.tools = { calls: tools.choices[0].message.tool_calls, finish: tools.choices[0].finish_reason };

seen.toolStream = { name: "", arguments: "", pieces: 0, finish: null };
for await (const chunk of await client.chat.completions.create(ask("tool", { tools: [weather], stream: true }))) {
  for (const call of chunk.choices[0]?.delta?.tool_calls ?? []) {
    seen.toolStream.name += call.function?.name ?? "";
    seen.toolStream.arguments += call.function?.arguments ?? "";
    seen.toolStream.pieces++;
  }
  seen.toolStream.finish = chunk.choices[0]?.finish_reason ?? seen.toolStream.finish;
}

const schema = { type: "object", properties: { answer: { type: "integer" } }, required: ["answer"], additionalProperties: false };
try {
  const structured = await client.chat.completions.create(
    ask("structured", { max_tokens: 200, response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } } }));
  seen.structured = structured.choices[0].message.content;
} catch (error) {
  seen.structured = { status: error.status, param: error.param, message: error.message };
}

const completion = await client.completions.create({ model, prompt: "Once", max_tokens: 4 });
seen.completion = { text: completion.choices[0].text, usage: completion.usage };

const response = await client.responses.create({ model, input: "chat" });
seen.responses = { text: response.output_text, status: response.status, usage: response.usage };

seen.errors = {};
const failing = {
  badTemperature: () => client.chat.completions.create(ask("chat", { temperature: 3000 })),
  noMessages: () => client.chat.completions.create({ model, messages: [] }),
  badKey: () => new OpenAI({ baseURL: `${baseURL}/v1`, apiKey: "wrong", maxRetries: 0 }).models.list(),
};
for (const [name, run] of Object.entries(failing)) {
  try {
    await run();
    seen.errors[name] = "none";
  } catch (error) {
    seen.errors[name] = { kind: error.constructor.name, status: error.status, type: error.type, param: error.param, message: error.message };
  }
}

console.log(JSON.stringify(seen));
