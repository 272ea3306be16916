// The messages of a conversation as DOM nodes.

import { renderMarkdown } from "./markdown.js";
import { text } from "./strings.js";

/** Makes an element: tag, properties, children. */
export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** One message; `actions` are { label, run } buttons under it. */
export function messageView(message, actions) {
  const article = make("article", { className: message.role });
  article.append(make("h2", { textContent: message.role === "user" ? text("you") : message.role === "tool" ? `${text("toolResult")} ${message.name}` : text("model") }));
  const body = make("div", { className: "body" });
  article.append(body);
  const update = () => {
    if (message.role === "assistant") fillAnswer(body, message);
    else body.replaceChildren(make("p", { className: "plain", textContent: message.content }));
  };
  update();
  if (message.role !== "tool") article.append(make("footer", {}, ...actions.map(({ label, run }) => make("button", { className: "quiet", textContent: label, onclick: run }))));
  return { article, update };
}

/** Reasoning (folded), content, tool calls and figures of an answer. Open folds and previews stay open while it streams. */
function fillAnswer(body, message) {
  const wasOpen = body.querySelector("details.reasoning")?.open ?? false;
  const preview = body.querySelector("figure.preview");
  const children = [];
  if (message.reasoning) children.push(reasoningView(message, wasOpen));
  if (message.content) children.push(make("div", { className: "markdown" }, renderMarkdown(message.content, codeBlock)));
  for (const call of message.tool_calls ?? []) children.push(callView(call));
  if (message.failed) children.push(make("p", { className: "error", textContent: text("failed") + message.failed }));
  if (message.stats) children.push(make("p", { className: "stats", textContent: statsText(message), title: message.stats.missReason ? `${text("notReused")}${message.stats.missReason}` : "" }));
  if (preview) children.push(preview);
  body.replaceChildren(...children);
}

function reasoningView(message, open) {
  const seconds = ((message.reasoningMs ?? 0) / 1000).toFixed(1);
  const title = `${text(message.content || message.stats ? "thought" : "thinkingNow")} · ${message.reasoningTokens ?? 0} ${text("tokens")} · ${seconds} ${text("seconds")}`;
  return make("details", { className: "reasoning", open },
    make("summary", { textContent: title }),
    make("div", { className: "plain", textContent: message.reasoning.trim() }));
}

function callView(call) {
  return make("details", { className: "call", open: true },
    make("summary", {}, `${text("toolCall")} `, make("code", { textContent: call.function.name })),
    make("pre", {}, make("code", { textContent: pretty(call.function.arguments) })));
}

function pretty(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

/** "812 tokens · 41.2 tokens/s · first token 0.2 s · prompt 120, 96 reused". */
function statsText({ stats }) {
  const parts = [`${stats.completion} ${text("tokens")}`];
  if (stats.speed > 0) parts.push(`${stats.speed.toFixed(1)} ${text("perSecond")}`);
  if (stats.firstMs > 0) parts.push(`${text("firstToken")} ${(stats.firstMs / 1000).toFixed(2)} ${text("seconds")}`);
  parts.push(`${text("prompt")} ${stats.prompt}${stats.cached ? `, ${stats.cached} ${text("reused")}` : ""}`);
  const ends = { stopped: "stopped", length: "lengthReached", repetition: "repetition" };
  if (ends[stats.finish]) parts.push(text(ends[stats.finish]));
  return parts.join(" · ");
}

/** A code block with its copy button, and a preview when it is a web page. */
function codeBlock(code, language, complete) {
  const copy = make("button", { className: "quiet", textContent: text("copy") });
  copy.onclick = () => copyText(code, copy);
  const head = make("header", {}, make("span", { textContent: language }), copy);
  const block = make("div", { className: "code-block" }, head, make("pre", { tabIndex: 0 }, make("code", { textContent: code })));
  if (complete && isPage(code, language)) {
    const show = make("button", { className: "quiet", textContent: text("preview") });
    show.onclick = () => togglePreview(show, code);
    head.append(show);
  }

  return block;
}

function isPage(code, language) {
  return /^(html?|svg)$/i.test(language) || /^\s*(<!doctype html|<html|<svg)/i.test(code);
}

/** Shows the page in a frame of its own: no same origin, no network, no top navigation, no forms. */
function togglePreview(button, html) {
  const body = button.closest(".body");
  const open = body.querySelector("figure.preview");
  if (open) {
    open.remove();
    return;
  }

  const frame = make("iframe", { src: "preview.html", title: text("previewTitle") });
  frame.setAttribute("sandbox", "allow-scripts");
  const give = (event) => {
    if (event.source === frame.contentWindow && event.data?.ready) {
      removeEventListener("message", give);
      frame.contentWindow.postMessage({ html }, "*");
    }
  };
  addEventListener("message", give);
  const close = make("button", { className: "quiet", textContent: text("closePreview"), onclick: () => figure.remove() });
  const figure = make("figure", { className: "preview" }, make("figcaption", {}, text("previewTitle"), close), frame);
  body.append(figure);
  figure.scrollIntoView({ block: "nearest" });
}

/** Copies; the older way serves pages that are not on a secure origin. */
export async function copyText(content, button) {
  try {
    await navigator.clipboard.writeText(content);
  } catch {
    const area = make("textarea", { value: content });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  button.textContent = text("copied");
  setTimeout(() => { button.textContent = text("copy"); }, 1500);
}
