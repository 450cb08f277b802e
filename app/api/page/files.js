// rules.json and settings.json as text. What was typed stays until it is saved or discarded.
const exampleRule = `{
      "name": "My rule",
      "instrument": {"symbol": "AAPL", "currency": "USD"},
      "conditions": [{"price": "last", "is": "at_or_above", "value": 230.5}],
      "action": {"do": "notify"}
    }`;
function fileEditor(kind, may, saved) {
  const name = kind + ".json", root = $("file").content.cloneNode(true).firstElementChild;
  const [summary, path, area, why, keys, told, wrong] = root.children;
  let base = null, theirs = null; // what the text began as: {text, tag}; the tag of what someone else has saved since
  for (const [e, part] of [[root, "file"], [summary, "edit"], [path, "path"], [why, "why"], [told, "told"],
    [wrong, "wrong"]]) e.id = kind + "-" + part;
  area.ariaLabel = "Text of " + name;
  $(kind).append(root);
  const dirty = () => base !== null && area.value !== base.text;
  function tell(text, failed, problems = []) {
    result(told.id, text, failed);
    wrong.replaceChildren(...problems.map(p => el("li", "", button(sentence(where(p)), () => jump(p)))));
    attribute(area, "aria-invalid", problems.length ? "true" : null);
    attribute(area, "aria-describedby", problems.length ? wrong.id : null);
  }
  // jump selects the word at a problem. Columns count characters, and the field counts UTF-16 units.
  function jump({ line, column }) {
    const lines = area.value.split("\n"), before = lines.slice(0, line - 1).map(l => l + "\n").join("");
    const at = before.length + [...lines[line - 1] ?? ""].slice(0, column - 1).join("").length;
    const [word] = /^("[^"\n]*"|[^\s,:"]+|.)?/.exec(area.value.slice(at));
    area.focus();
    area.setSelectionRange(at, at + word.length);
    area.scrollTop = (line - 4) * parseFloat(getComputedStyle(area).lineHeight);
    area.scrollIntoView({ block: "nearest" });
  }
  // read brings the field up to date, unless something was typed that would be lost: then it says that the file has
  // changed.
  async function read() {
    if (!token || !root.open) return;
    try {
      const { data, tag } = await request("GET", "/" + kind + "/text"), problems = listOf(data.problems);
      say(path.id, data.path + (data.found ? "" : ", which does not exist yet: saving creates it."));
      if (!dirty() && base?.tag !== tag) {
        area.value = data.text;
        [base, theirs] = [{ text: area.value, tag }, null];
        tell(problems.length ? "This file has errors. Mend them and save." : "", true, problems);
      } else if (![base.tag, theirs].includes(tag)) {
        theirs = tag;
        tell(name + " has been changed elsewhere since you opened it. Your text is still here and nothing was " +
          "overwritten.", true);
      }
    } catch (e) {
      say(path.id, lost ? "" : e.message);
    }
    render();
  }
  const put = () => during(save, async () => {
    const text = area.value;
    tell("Saving…");
    try {
      base = { text, tag: (await request("PUT", "/" + kind, text, { "If-Match": base.tag })).tag };
      theirs = null;
      tell(saved);
    } catch (e) {
      const n = e.problems?.length;
      tell(n ? "Not saved: " + n + (n === 1 ? " error." : " errors.") : e.message, true, n ? e.problems : []);
      if (n) jump(e.problems[0]);
      if (e.status === 412) await read();
    }
    readPart(kind);
    render();
  });
  function insertExample() {
    const at = /"rules"\s*:\s*\[\s*/.exec(area.value), end = at ? at.index + at[0].length : area.selectionStart;
    const after = !at ? "" : area.value[end] === "]" ? "\n  " : ",\n    ";
    area.setRangeText(exampleRule + after, end, end, "end");
    area.focus();
    render();
  }
  const save = button("Save", put, name, "save first"), insert = button("Insert an example", insertExample);
  const drop = button("Discard changes", () => ask("Discard your changes?", "The text that you typed is lost.",
    "Discard", () => { base = null; read(); }), "to " + name);
  const over = button("Replace the file", () => ask("Replace " + name + "?",
    "The changes that were made elsewhere are lost.", "Replace the file", () => { base.tag = theirs; put(); }),
    name, "over danger");
  keys.append(save, ...kind === "rules" ? [insert] : [], drop, over);
  function allowAll() {
    const changed = dirty();
    say(summary.id, "Edit " + name + (changed ? " (not saved)" : ""));
    say(why.id, changed && !may() ? joined([$(kind + "-reason")?.textContent, "Your text stays here."], " ") : "");
    allow(save, base && may(), why.id, changed && theirs === null);
    allow(drop, base, why.id, changed);
    allow(insert, base, why.id);
    allow(over, base && may(), why.id);
    over.hidden = theirs === null;
  }
  root.ontoggle = read;
  area.oninput = allowAll;
  area.onkeydown = e => {
    if (e.key.toLowerCase() !== "s" || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    save.click();
  };
  return { read, dirty, allow: allowAll };
}
const files = [
  fileEditor("rules", mayEdit, "Saved. New and changed rules are drafts: activate them above."),
  fileEditor("settings", here, "Saved and in effect."),
];
addEventListener("beforeunload", e => { if (files.some(f => f.dirty())) e.preventDefault(); });
