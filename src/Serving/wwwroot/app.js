// The chat page: conversations at the left, messages and the question at the right.

import { fetchModel, requestOf } from "./api.js";
import { runAnswer } from "./answer.js";
import { loadConversations, loadSettings, newConversation, saveConversations, saveSettings } from "./store.js";
import { setLanguage, text } from "./strings.js";
import { openSettings } from "./settings.js";
import { copyText, make, messageView } from "./view.js";

const $ = (id) => document.getElementById(id);
const settings = loadSettings();
let conversations = loadConversations();
let conversation = conversations[0] ?? newConversation();
let model = null;
let running = null; // { controller, conversation } of the answer that streams

function show() {
  $("title").textContent = conversation.title || text("new");
  document.title = conversation.title ? `${conversation.title} · MiniMaxSharp` : "MiniMaxSharp";
  showList();
  const last = conversation.messages.length - 1;
  const views = conversation.messages.map((message, index) => messageView(message, actionsOf(message, index, index === last)));
  const waiting = toolForm();
  $("messages").replaceChildren(
    ...views.map((view) => view.article),
    ...(waiting ? [waiting] : []),
    ...(views.length === 0 ? [make("p", { className: "empty", textContent: text("empty") })] : []));
  showContext();
  scrollToEnd(true);
  return views.at(-1);
}

function showList() {
  const all = conversations.includes(conversation) ? conversations : [conversation, ...conversations];
  $("list").replaceChildren(...all.map((one) => make("div", { className: one === conversation ? "entry current" : "entry" },
    make("button", { className: "quiet name", textContent: one.title || text("new"), onclick: () => open(one), ariaCurrent: one === conversation ? "true" : null }),
    make("button", { className: "quiet", textContent: "✎", title: text("rename"), ariaLabel: text("rename"), onclick: () => rename(one) }),
    make("button", { className: "quiet", textContent: "✕", title: text("remove"), ariaLabel: text("remove"), onclick: () => remove(one) }))));
}

function showContext() {
  const stats = conversation.messages.findLast((message) => message.stats)?.stats;
  const used = stats ? stats.prompt + stats.completion : 0;
  $("context").hidden = !model?.context || used === 0;
  $("context-meter").value = model?.context ? used / model.context : 0;
  $("context-text").textContent = model?.context ? `${used.toLocaleString()} / ${model.context.toLocaleString()}` : "";
}

function actionsOf(message, index, isLast) {
  const copy = { label: text("copy"), run: (event) => copyText(message.content, event.target) };
  if (message.role === "user") return [copy, { label: text("edit"), run: () => edit(index) }];
  return isLast ? [copy, { label: text("regenerate"), run: () => regenerate(index) }] : [copy];
}

/** When the answer called tools, the person at the page gives their results. */
function toolForm() {
  const last = conversation.messages.at(-1);
  if (running || last?.role !== "assistant" || !last.tool_calls?.length) return null;
  const fields = last.tool_calls.map((call) => make("input", { name: call.id, placeholder: text("toolHint"), ariaLabel: `${text("toolResult")} ${call.function.name}` }));
  const form = make("form", { className: "tools" },
    ...fields.map((field, i) => make("label", {}, `${text("toolResult")} ${last.tool_calls[i].function.name}`, field)),
    make("button", { textContent: text("toolAnswer") }));
  form.onsubmit = (event) => {
    event.preventDefault();
    fields.forEach((field, i) => conversation.messages.push({ role: "tool", tool_call_id: field.name, name: last.tool_calls[i].function.name, content: field.value }));
    answer();
  };
  return form;
}

function ask(question) {
  conversation.messages.push({ role: "user", content: question });
  conversation.title ||= question.replace(/\s+/g, " ").slice(0, 60);
  if (!conversations.includes(conversation)) conversations.unshift(conversation);
  answer();
}

async function answer() {
  const owner = conversation;
  const controller = new AbortController();
  let body;
  try {
    model ??= await fetchModel(settings);
    body = requestOf(model, owner, settings);
  } catch (problem) {
    $("status").textContent = problem instanceof TypeError ? text("offline") : problem.message;
    show();
    return;
  }

  const message = { role: "assistant", reasoning: "", content: "", reasoningTokens: 0, reasoningMs: 0 };
  owner.messages.push(message);
  owner.updated = Date.now();
  running = { controller, conversation: owner };
  let view = show();
  $("status").textContent = text("waiting");
  setRunning(true);
  let due = false;
  const draw = () => {
    due = false;
    $("status").textContent = "";
    if (conversation !== owner) return;
    view = conversation.messages.at(-1) === message && view?.article.isConnected ? view : show();
    view.update();
    scrollToEnd(false);
  };
  await runAnswer(body, settings, message, controller.signal, () => {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  });
  running = null;
  setRunning(false);
  owner.updated = Date.now();
  conversations.sort((a, b) => b.updated - a.updated);
  saveConversations(conversations);
  $("status").textContent = "";
  if (conversation === owner) show();
  else showList();
}

/** A control that vanishes must not take the keyboard's place on the page with it. */
function setRunning(on) {
  const lost = [$("send"), $("stop"), document.body].includes(document.activeElement);
  $("send").hidden = on;
  $("stop").hidden = !on;
  if (lost) $(on ? "stop" : "composer").focus();
}

function open(one) {
  conversation = one;
  closeMenu();
  show();
  $("composer").focus();
}

function rename(one) {
  const title = prompt(text("rename"), one.title);
  if (title === null) return;
  one.title = title.trim();
  saveConversations(conversations);
  show();
}

function remove(one) {
  if (!confirm(text("confirmDelete"))) return;
  if (running?.conversation === one) running.controller.abort();
  conversations = conversations.filter((other) => other !== one);
  saveConversations(conversations);
  open(one === conversation ? conversations[0] ?? newConversation() : conversation);
}

/** Puts a question back into the composer; sending it drops what came after. */
function edit(index) {
  if (running) return;
  $("composer").value = conversation.messages[index].content;
  conversation.messages.length = index;
  show();
  fitComposer();
  $("composer").focus();
}

function regenerate(index) {
  if (running) return;
  conversation.messages.length = index;
  answer();
}

function fitComposer() {
  const area = $("composer");
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, innerHeight / 3)}px`;
}

/** Follows the answer unless the reader has scrolled up. */
function scrollToEnd(always) {
  const box = $("messages");
  if (always || box.scrollHeight - box.scrollTop - box.clientHeight < 120) box.scrollTop = box.scrollHeight;
}

function applyTheme() {
  if (settings.theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = settings.theme;
}

function closeMenu() {
  document.body.classList.remove("menu");
  $("shade").hidden = true;
  $("menu").setAttribute("aria-expanded", "false");
}

function startNew() {
  open(newConversation());
}

$("composer-form").onsubmit = (event) => {
  event.preventDefault();
  const question = $("composer").value.trim();
  if (question === "" || running) return;
  $("composer").value = "";
  fitComposer();
  ask(question);
};
$("composer").oninput = fitComposer;
$("composer").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer-form").requestSubmit();
  } else if (event.key === "ArrowUp" && $("composer").value === "") {
    const index = conversation.messages.findLastIndex((message) => message.role === "user");
    if (index >= 0) edit(index);
  }
};
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("settings").open) {
    running?.controller.abort();
    closeMenu();
  } else if (event.altKey && event.code === "KeyN") {
    event.preventDefault();
    startNew();
  }
});
$("stop").onclick = () => running?.controller.abort();
$("new").onclick = startNew;
$("menu").onclick = () => {
  const isOpen = document.body.classList.toggle("menu");
  $("shade").hidden = !isOpen;
  $("menu").setAttribute("aria-expanded", String(isOpen));
  if (isOpen) $("new").focus();
};
$("shade").onclick = closeMenu;
$("open-settings").onclick = () => openSettings(settings, conversation, () => {
  saveSettings(settings);
  saveConversations(conversations);
  model = null;
  connect();
});
$("theme").onclick = () => {
  settings.theme = { system: "light", light: "dark", dark: "system" }[settings.theme];
  saveSettings(settings);
  applyTheme();
};
$("language").onclick = () => {
  settings.language = settings.language === "zh" ? "en" : "zh";
  saveSettings(settings);
  localise();
};

function localise() {
  setLanguage(settings.language);
  $("language").textContent = text("language");
  show();
}

async function connect() {
  try {
    model = await fetchModel(settings);
    $("model").textContent = model.id;
    $("status").textContent = "";
    showContext();
  } catch (problem) {
    $("status").textContent = problem instanceof TypeError ? text("offline") : problem.message;
  }
}

applyTheme();
localise();
connect();
