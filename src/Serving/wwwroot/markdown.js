// Markdown to DOM nodes. Text only ever becomes text nodes, so an answer cannot inject markup or scripts.

/** Renders an answer; `codeBlock(code, language, complete)` makes the node of a fenced block. */
export function renderMarkdown(source, codeBlock) {
  const root = document.createDocumentFragment();
  const lines = source.split("\n");
  for (let at = 0; at < lines.length;) at = block(lines, at, root, codeBlock);
  return root;
}

/** Renders the block that begins at a line; returns the line after it. */
function block(lines, at, root, codeBlock) {
  const line = lines[at];
  const fence = /^\s*(`{3,}|~{3,})\s*([\w+#.-]*)/.exec(line);
  if (fence) return fenced(lines, at, fence, root, codeBlock);
  if (line.trim() === "") return at + 1;
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading) {
    root.append(withInline(document.createElement(`h${Math.min(6, heading[1].length + 2)}`), heading[2]));
    return at + 1;
  }

  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
    root.append(document.createElement("hr"));
    return at + 1;
  }

  if (/^\s*>/.test(line)) return quoted(lines, at, root, codeBlock);
  if (listItem(line)) return list(lines, at, root);
  if (line.includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$/.test(lines[at + 1] ?? "")) return table(lines, at, root);
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== "" && !startsBlock(lines[end])) end++;
  root.append(withInline(document.createElement("p"), lines.slice(at, end).join("\n")));
  return end;
}

function startsBlock(line) {
  return /^\s*(`{3,}|~{3,}|#{1,6}\s|>)/.test(line) || listItem(line) !== null;
}

function fenced(lines, at, fence, root, codeBlock) {
  const mark = fence[1];
  let end = at + 1;
  while (end < lines.length && !(lines[end].trim().startsWith(mark) && lines[end].trim().replaceAll(mark[0], "") === "")) end++;
  root.append(codeBlock(lines.slice(at + 1, end).join("\n"), fence[2], end < lines.length));
  return end + 1;
}

function quoted(lines, at, root, codeBlock) {
  let end = at;
  while (end < lines.length && /^\s*>/.test(lines[end])) end++;
  const quote = document.createElement("blockquote");
  quote.append(renderMarkdown(lines.slice(at, end).map((line) => line.replace(/^\s*> ?/, "")).join("\n"), codeBlock));
  root.append(quote);
  return end;
}

function listItem(line) {
  const match = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/.exec(line);
  return match && { indent: match[1].length, ordered: /\d/.test(match[2]), start: parseInt(match[2], 10), content: match[3] };
}

/** A list; deeper indents make lists inside the item before. */
function list(lines, at, root) {
  const stack = [];
  for (; at < lines.length; at++) {
    const item = listItem(lines[at]);
    if (!item) {
      // An indented line goes on with the item above it.
      if (lines[at].trim() === "" || !/^\s{2,}\S/.test(lines[at]) || stack.length === 0) break;
      stack.at(-1).last.append(document.createTextNode("\n"));
      withInline(stack.at(-1).last, lines[at].trim());
      continue;
    }

    while (stack.length > 1 && stack.at(-1).indent > item.indent) stack.pop();
    if (stack.length === 0 || stack.at(-1).indent < item.indent) {
      const node = document.createElement(item.ordered ? "ol" : "ul");
      if (item.ordered && item.start !== 1) node.start = item.start;
      (stack.at(-1)?.last ?? root).append(node);
      stack.push({ indent: item.indent, node, last: null });
    }

    const entry = withInline(document.createElement("li"), item.content);
    stack.at(-1).node.append(entry);
    stack.at(-1).last = entry;
  }

  return at;
}

function table(lines, at, root) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const node = document.createElement("table");
  const row = (line, tag) => {
    const tr = document.createElement("tr");
    tr.append(...cells(line).map((cell) => withInline(document.createElement(tag), cell)));
    return tr;
  };
  node.append(row(lines[at], "th"));
  let end = at + 2;
  for (; end < lines.length && lines[end].includes("|"); end++) node.append(row(lines[end], "td"));
  const scroller = document.createElement("div");
  scroller.className = "scroll";
  scroller.append(node);
  root.append(scroller);
  return end;
}

const inline = /(`+)(.+?)\1|\*\*(.+?)\*\*|\*([^*\s][^*]*?)\*|~~(.+?)~~|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"')\]]+)/s;

/** Appends text with code, emphasis and links to a node; returns the node. */
function withInline(node, source) {
  for (let match = inline.exec(source); match; match = inline.exec(source)) {
    node.append(document.createTextNode(source.slice(0, match.index)));
    const [all, ticks, code, bold, italic, struck, label, target, bare] = match;
    if (ticks) node.append(element("code", code));
    else if (bold) node.append(withInline(document.createElement("strong"), bold));
    else if (italic) node.append(withInline(document.createElement("em"), italic));
    else if (struck) node.append(withInline(document.createElement("del"), struck));
    else node.append(link(label ?? bare, target ?? bare));
    source = source.slice(match.index + all.length);
  }

  node.append(document.createTextNode(source));
  return node;
}

function link(label, target) {
  const node = element("a", label);
  node.href = target;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}

function element(tag, content) {
  const node = document.createElement(tag);
  node.textContent = content;
  return node;
}
