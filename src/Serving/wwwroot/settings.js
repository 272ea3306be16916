// The settings dialog.

import { text } from "./strings.js";

const names = ["temperature", "top_p", "top_k", "max_tokens", "seed", "thinking", "budget", "tools", "key"];
const field = (name) => document.getElementById(`set-${name}`);

/** Shows the dialog; writes into `settings` and the conversation's system prompt, then calls `saved`. */
export function openSettings(settings, conversation, saved) {
  const dialog = document.getElementById("settings");
  const error = document.getElementById("settings-error");
  names.forEach((name) => { field(name).value = settings[name]; });
  field("system").value = conversation.system;
  error.textContent = "";
  field("thinking").onchange = () => { field("budget").disabled = field("thinking").value !== "budget"; };
  field("thinking").onchange();
  document.getElementById("save-settings").onclick = (event) => {
    try {
      const tools = field("tools").value.trim();
      if (tools !== "" && !Array.isArray(JSON.parse(tools))) throw new Error("[…]");
    } catch (problem) {
      event.preventDefault();
      error.textContent = text("badTools") + problem.message;
      return;
    }

    if (!dialog.querySelector("form").checkValidity()) return;
    names.forEach((name) => { settings[name] = field(name).value; });
    conversation.system = field("system").value.trim();
    saved();
  };
  document.getElementById("cancel-settings").onclick = () => dialog.close();
  dialog.showModal();
}
