// One answer in the making: reads the stream into a message and measures it.

import { streamAnswer } from "./api.js";

/** Streams into `message`, calling `changed` after each part. Stopping keeps what has come. */
export async function runAnswer(body, settings, message, signal, changed) {
  const started = performance.now();
  let first = 0;
  let contentStarted = 0;
  let pieces = 0;
  let usage = null;
  let finish = null;
  try {
    for await (const part of streamAnswer(body, settings, signal)) {
      const now = performance.now();
      usage = part.usage ?? usage;
      finish = part.finish ?? finish;
      if (part.reasoning || part.content || part.toolCalls.length > 0) {
        first ||= now;
        pieces++;
      }

      if (part.reasoning) {
        message.reasoning += part.reasoning;
        message.reasoningTokens++;
        message.reasoningMs = now - first;
      } else if (part.content || part.toolCalls.length > 0) {
        contentStarted ||= now;
      }

      message.content += part.content;
      part.toolCalls.forEach((call) => addCall(message, call));
      changed();
    }
  } catch (problem) {
    if (!signal.aborted) message.failed = problem.message;
    finish = "stopped";
  }

  const seconds = (performance.now() - (first || started)) / 1000;
  const completion = usage?.completion_tokens ?? pieces;
  message.reasoningTokens = usage?.completion_tokens_details?.reasoning_tokens ?? message.reasoningTokens;
  message.stats = {
    finish,
    completion,
    prompt: usage?.prompt_tokens ?? 0,
    cached: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    missReason: usage?.prompt_tokens_details?.cache_miss_reason ?? null,
    speed: first && completion > 1 ? (completion - 1) / Math.max(seconds, 1e-3) : 0,
    firstMs: first ? first - started : 0,
  };
  changed();
}

/** Tool calls come in pieces: the first has the name, the others parts of the arguments. */
function addCall(message, delta) {
  message.tool_calls ??= [];
  const call = (message.tool_calls[delta.index ?? 0] ??= { id: delta.id, type: "function", function: { name: "", arguments: "" } });
  call.function.name += delta.function?.name ?? "";
  call.function.arguments += delta.function?.arguments ?? "";
}
