// rules.json and settings.json as text. What was typed stays until it is saved or discarded.
const exampleRule = `{
      "name": "My rule",
      "instrument": {"symbol": "AAPL", "currency": "USD"},
      "conditions": [{"price": "last", "is": "at_or_above", "value": 230.5}],
      "action": {"do": "notify"}
    }`;
function fileEditor(kind, may, reason, saved) {
  const name = kind + ".json", root = $("file").content.cloneNode(true).firstElementChild;
  const [summary, path, area, why, save, drop, over, told, list] =
    ["summary", ".path", "textarea", ".reason", ".save", ".drop", ".over", ".result", ".problems"].map(q => root.querySelector(q));
  let base = null, theirs = null; // what the text began as: {text, tag}; the tag of what someone else has saved since
  [root.id, list.id, why.id, area.ariaLabel] = [kind + "-file", kind + "-wrong", kind + "-why", "Text of " + name];
  [save.ariaLabel, drop.ariaLabel, over.ariaLabel] = ["Save " + name, "Discard changes to " + name, "Replace the file " + name];
  $(kind).append(root);
  const dirty = () => base !== null && area.value !== base.text;
  function tell(text, failed, problems = []) {
    told.classList.toggle("error", Boolean(failed));
    write(told, text);
    list.replaceChildren(...problems.map(p => el("li", "", button(sentence(where(p)), () => jump(p)))));
    attribute(area, "aria-invalid", problems.length ? "true" : null);
    attribute(area, "aria-describedby", problems.length ? list.id : null);
  }
  // jump puts the caret on a problem. Columns count characters, and the field counts UTF-16 units.
  function jump({ line, column }) {
    const lines = area.value.split("\n"), before = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const at = before + [...lines[line - 1] ?? ""].slice(0, column - 1).join("").length, word = /^("[^"\n]*"|[^\s,:"]+|.)?/.exec(area.value.slice(at))[0];
    area.focus();
    area.setSelectionRange(at, at + word.length);
    area.scrollTop = (line - 4) * parseFloat(getComputedStyle(area).lineHeight);
    area.scrollIntoView({ block: "nearest" });
  }
  // read brings the field up to date, unless something was typed that would be lost: then it says that the file has changed.
  async function read() {
    if (!token || !root.open) return;
    try {
      const { data, tag } = await request("GET", "/" + kind + "/text"), problems = listOf(data.problems);
      write(path, clean(data.path) + (data.found ? "" : ", which does not exist yet: saving creates it."));
      if (!dirty() && base?.tag !== tag) {
        area.value = data.text;
        [base, theirs] = [{ text: area.value, tag }, null];
        tell(problems.length ? "This file has errors. Mend them and save." : "", true, problems);
      } else if (tag !== base.tag && tag !== theirs) {
        theirs = tag;
        tell(name + " has been changed elsewhere since you opened it. Your text is still here and nothing was overwritten.", true);
      }
    } catch (e) {
      tell(e.message, true);
    }
    render();
  }
  async function put() {
    const text = area.value;
    running.add(save);
    tell("Saving…");
    editor.allow();
    try {
      base = { text, tag: (await request("PUT", "/" + kind, text, { "If-Match": base.tag })).tag };
      theirs = null;
      tell(saved);
    } catch (e) {
      const problems = listOf(e.problems ?? null);
      tell(problems.length ? "Not saved: " + counted(problems.length, "error") + "." : e.message, true, problems);
      if (problems.length) jump(problems[0]);
      if (e.status === 412) await read();
    }
    running.delete(save);
    readPart(parts[kind]);
    render();
  }
  onPress(save, put);
  onPress(drop, () => ask("Discard your changes?", "The text that you typed is lost.", "Discard", () => { base = null; read(); }));
  onPress(over, () => ask("Replace " + name + "?", "The changes that were made elsewhere are lost.", "Replace the file",
    () => { base.tag = theirs; put(); }));
  const insert = button("Insert an example", () => {
    const at = /"rules"\s*:\s*\[\s*/.exec(area.value), end = at ? at.index + at[0].length : area.selectionStart;
    area.setRangeText(at ? exampleRule + (area.value[end] === "]" ? "\n  " : ",\n    ") : exampleRule, end, end, "end");
    area.focus();
    render();
  });
  if (kind === "rules") save.after(insert);
  root.addEventListener("toggle", read);
  area.addEventListener("input", () => editor.allow());
  area.addEventListener("keydown", e => {
    if (e.key.toLowerCase() !== "s" || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    save.click();
  });
  const editor = {
    read, dirty, allow() {
      write(summary, "Edit " + name + (dirty() ? " (not saved)" : ""));
      write(why, dirty() && !may() ? reason() : "");
      allow(save, base && may(), why.id, dirty() && theirs === null);
      allow(drop, base, why.id, dirty());
      allow(insert, base, why.id);
      allow(over, base && may(), why.id);
      over.hidden = theirs === null;
    },
  };
  return editor;
}
const files = [
  fileEditor("rules", mayEdit, () => $("rules-reason").textContent + " Your text stays here.",
    "Saved. New and changed rules are drafts: activate them above."),
  fileEditor("settings", here, () => "Gatewatch does not answer. Your text stays here.", "Saved and in effect."),
];
addEventListener("beforeunload", e => { if (files.some(f => f.dirty())) e.preventDefault(); });
