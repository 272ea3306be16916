// Runs npm @anthropic-ai/sdk against a server and prints what it saw as one JSON object: node anthropic.mjs BASE_URL API_KEY
import Anthropic from "@anthropic-ai/sdk";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
const model = (await client.models.list()).data[0].id;
const weather = {
  name: "get_weather",
  description: "Weather of a city",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const ask = (content, more = {}) => ({ model, max_tokens: 200, messages: [{ role: "user", content }], ...more });
const seen = { model };

const chat = await client.messages.create(ask("chat", { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 2048 }));
seen.chat = { content: chat.content, stop: chat.stop_reason, usage: chat.usage };

const stream = client.messages.stream(ask("chat"));
seen.stream = { events: [], text: "" };
stream.on("streamEvent", (event) => seen.stream.events.push(event.type));
stream.on("text", (text) => { seen.stream.text += text; });
const final = await stream.finalMessage();
seen.stream.final = { content: final.content, stop: final.stop_reason, usage: final.usage };

const tools = await client.messages.create(ask("tool", { tools: [weather] }));
seen.tools = { content: tools.content, stop: tools.stop_reason };

const toolStream = client.messages.stream(ask("tool", { tools: [weather] }));
seen.toolStream = (await toolStream.finalMessage()).content;

const call = tools.content.find((block) => block.type === "tool_use");
const answered = await client.messages.create({
  model,
  max_tokens: 200,
  tools: [weather],
  messages: [
    { role: "user", content: "tool" },
    { role: "assistant", content: tools.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: call?.id ?? "none", content: "Sunny, 21 °C" }, { type: "text", text: "chat" }] },
  ],
});
seen.answered = answered.content;
seen.count = (await client.messages.countTokens({ model, messages: [{ role: "user", content: "chat" }] })).input_tokens;

seen.errors = {};
const failing = {
  noMaxTokens: () => client.messages.create({ model, messages: [{ role: "user", content: "chat" }] }),
  badRole: () => client.messages.create(ask("chat", { messages: [{ role: "robot", content: "chat" }] })),
  badKey: () => new Anthropic({ baseURL, apiKey: "wrong", maxRetries: 0 }).models.list(),
};
for (const [name, run] of Object.entries(failing)) {
  try {
    await run();
    seen.errors[name] = "none";
  } catch (error) {
    seen.errors[name] = { kind: error.constructor.name, status: error.status, type: error.error?.error?.type, message: error.message };
  }
}

console.log(JSON.stringify(seen));
