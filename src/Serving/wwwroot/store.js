// What the browser keeps: conversations and settings, in localStorage. Nothing leaves the browser but the requests themselves.

const conversationsKey = "minimax.conversations";
const settingsKey = "minimax.settings";

/** Settings of a first visit; empty means the server's default. */
const defaults = {
  language: navigator.language.startsWith("zh") ? "zh" : "en",
  theme: "system",
  temperature: "",
  top_p: "",
  top_k: "",
  max_tokens: "",
  seed: "",
  thinking: "on",
  budget: "1024",
  tools: "",
  key: "",
};

export function loadSettings() {
  return { ...defaults, ...read(settingsKey, {}) };
}

export function saveSettings(settings) {
  write(settingsKey, settings);
}

/** All conversations, newest first: { id, title, system, messages, updated }. */
export function loadConversations() {
  return read(conversationsKey, []).filter((one) => one && Array.isArray(one.messages)).sort((a, b) => b.updated - a.updated);
}

/** Keeps the conversations; when the browser's room is full the oldest go first. */
export function saveConversations(conversations) {
  const kept = conversations.filter((one) => one.messages.length > 0);
  while (!write(conversationsKey, kept) && kept.length > 1) kept.pop();
}

export function newConversation() {
  return { id: crypto.randomUUID?.() ?? String(Date.now() + Math.random()), title: "", system: "", messages: [], updated: Date.now() };
}

function read(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
