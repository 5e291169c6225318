/* The one script of an atlas: appearance, search, sorting, the depth slider, comparison, keys.
   It makes no request but for the pages, pictures and index scripts that lie beside it. */
"use strict";

const atlas = (() => {
  const page = document.documentElement;
  const root = page.dataset.root;
  const isEmbedded = window.self !== window.top;
  const MOST = 40;

  const remembered = {
    get() { try { return localStorage.getItem("atlas-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("atlas-theme", value); } catch { /* not allowed here */ } },
  };

  function element(kind, properties = {}, ...children) {
    const made = Object.assign(document.createElement(kind), properties);
    made.append(...children);
    return made;
  }

  /* Appearance: the system's, unless the button chose another */

  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  function showTheme() {
    const dark = (remembered.get() || (prefersDark.matches ? "dark" : "light")) === "dark";
    page.dataset.theme = dark ? "dark" : "light";
    document.querySelector(".theme")?.setAttribute("aria-pressed", String(dark));
  }

  function setUpTheme() {
    const button = document.querySelector(".theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      remembered.set(page.dataset.theme === "dark" ? "light" : "dark");
      showTheme();
      for (const frame of document.querySelectorAll("iframe[src]")) frame.src = frame.src;
    });
    prefersDark.addEventListener("change", showTheme);
    showTheme();
  }

  /* The index: scripts beside this page, each of which calls shard() */

  const parts = [];
  let entries = [];
  let loading = null;

  function shard(number, rows) {
    parts[number] = rows.map((row) => ({
      title: row[0], address: row[1], kind: row[2], names: row[3] || "",
      sheet: row[4], column: row[5], row: row[6],
      text: ` ${row[0]} ${row[3] || ""}`.toLowerCase(),
    }));
  }

  function loadIndex() {
    loading ??= Promise.all(Array.from({ length: Number(page.dataset.shards) }, (_, number) =>
      new Promise((done) => {
        const script = element("script", { src: `${root}assets/index/${number}.js` });
        script.onload = script.onerror = done;
        document.head.append(script);
      }))).then(() => { entries = parts.flat(); });
    return loading;
  }

  function find(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const ranks = words.map(() => []);
    ranks.push([]);
    for (const entry of entries) {
      if (!words.every((word) => entry.text.includes(word))) continue;
      ranks[words.filter((word) => !entry.text.includes(` ${word}`)).length].push(entry);
    }
    return ranks.flat();
  }

  function tile(entry, alt) {
    if (!entry.sheet) return element("span", { className: "tile" });
    const image = element("img", { src: root + entry.sheet, alt, loading: "lazy" });
    return element("span", { className: `tile c${entry.column} r${entry.row}` }, image);
  }

  function setUpSearch(box) {
    const input = box.querySelector("input");
    const panel = box.querySelector(".panel");
    const list = box.querySelector("ul");
    const count = box.querySelector(".count");
    const side = box.closest("[data-side]")?.dataset.side;
    let found = [];
    let active = -1;

    const choose = (entry) => {
      close();
      if (side) compare.choose(side, entry.address);
      else location.href = root + entry.address;
    };
    const close = () => {
      panel.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const select = (number) => {
      list.children[active]?.setAttribute("aria-selected", "false");
      active = number;
      const option = list.children[active];
      if (!option) return;
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    };
    const show = () => {
      const query = input.value.trim();
      if (!query) { close(); return; }
      found = find(query);
      count.textContent = found.length > MOST
        ? `${found.length.toLocaleString("en")} found, the first ${MOST} are shown`
        : `${found.length} found`;
      list.replaceChildren(...found.slice(0, MOST).map((entry, number) => {
        const words = element("span", {}, element("b", { textContent: entry.title }),
          element("small", { textContent: entry.names || entry.kind }));
        const option = element("li", { id: `${input.id}-${number}` }, tile(entry, ""), words);
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.addEventListener("mousedown", (event) => { event.preventDefault(); choose(entry); });
        return option;
      }));
      active = -1;
      panel.hidden = false;
      input.setAttribute("aria-expanded", String(found.length > 0));
      if (found.length) select(0);
    };

    input.addEventListener("focus", () => loadIndex().then(() => input.value && show()));
    input.addEventListener("input", () => loadIndex().then(show));
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      const shown = Math.min(found.length, MOST);
      if (event.key === "Escape") { input.value = ""; close(); }
      else if (panel.hidden || !shown) return;
      else if (event.key === "ArrowDown") select((active + 1) % shown);
      else if (event.key === "ArrowUp") select((active + shown - 1) % shown);
      else if (event.key === "Enter") choose(found[active]);
      else return;
      event.preventDefault();
    });
  }

  /* The channels of a layer: sorted, filtered, and some hundreds at a time */

  function setUpChannels() {
    const list = document.querySelector("#channels");
    if (!list) return;
    const rest = document.querySelector("#rest");
    const more = document.querySelector("#more");
    const filter = document.querySelector("#filter");
    const shown = document.querySelector(".shown");
    const items = [...list.children, ...(rest ? rest.content.children : [])]
      .map((item) => ({ item, text: item.dataset.text.toLowerCase() }));
    const atOnce = list.children.length;
    let left = items;
    const orders = {
      number: (a, b) => a.number - b.number,
      ratio: (a, b) => b.ratio - a.ratio || a.number - b.number,
      rank: (a, b) => a.rank - b.rank || a.number - b.number,
      name: (a, b) => !a.name - !b.name || a.name.localeCompare(b.name) || a.number - b.number,
    };
    const showMore = (count) => {
      const first = list.children.length;
      list.append(...left.slice(first, first + count).map(({ item }) => item));
      more.hidden = list.children.length >= left.length;
    };
    const show = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      left = items.filter(({ text }) => words.every((word) => text.includes(word)));
      list.replaceChildren();
      showMore(atOnce);
      shown.textContent = words.length ? `${left.length} of ${items.length}` : `${items.length}`;
    };
    document.querySelector("#sort").addEventListener("change", (event) => {
      const compareItems = orders[event.target.value];
      items.sort((a, b) => compareItems(a.item.dataset, b.item.dataset));
      show();
    });
    filter.addEventListener("input", show);
    more.addEventListener("click", () => showMore(atOnce));
    new IntersectionObserver((seen) => seen[0].isIntersecting && showMore(atOnce)).observe(more);
    addEventListener("beforeprint", () => showMore(items.length));
    showMore(0);
  }

  /* The depth slider: one place for two photos */

  function setUpDepth() {
    const section = document.querySelector("#depth");
    if (!section) return;
    const photos = JSON.parse(document.querySelector("#frames").textContent);
    const labels = [...new Set(photos.flatMap((photo) => photo.frames.map((frame) => frame.label)))];
    const dial = section.querySelector("#dial");
    const stops = section.querySelector(".stops");
    const stages = [...section.querySelectorAll("[data-stage]")];
    const buttons = labels.map((label, number) => {
      const button = element("button", { type: "button", textContent: label });
      button.addEventListener("click", () => { dial.value = number; move(); });
      stops.append(element("li", {}, button));
      return button;
    });
    const show = () => {
      const label = labels[Number(dial.value)];
      dial.setAttribute("aria-valuetext", label);
      buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === label)));
      for (const stage of stages) {
        const photo = photos[Number(stage.querySelector("select").value)];
        const frame = photo.frames.find((one) => one.label === label);
        const image = stage.querySelector("img");
        image.hidden = !frame;
        if (frame) Object.assign(image, { src: frame.src, alt: `${photo.name}: ${frame.caption}` });
        stage.querySelector("figcaption").textContent = frame ? frame.caption : `${label}: no picture`;
      }
    };
    const move = () => {
      show();
      if (isEmbedded) parent.postMessage({ depth: dial.value / dial.max }, "*");
    };
    dial.max = labels.length - 1;
    dial.addEventListener("input", move);
    addEventListener("message", ({ source, data }) => {
      if (source !== parent || typeof data?.depth !== "number") return;
      dial.value = Math.round(data.depth * dial.max);
      show();
    });
    stages.forEach((stage) => stage.querySelector("select").addEventListener("change", show));
    section.querySelector(".dial").hidden = false;
    show();
  }

  /* Two pages side by side, named in the address after # */

  const compare = {
    isPage: /^(?:[a-z0-9][a-z0-9._-]*\/){1,2}[a-z0-9][a-z0-9._-]*\.html$/,
    chosen() { return new URLSearchParams(location.hash.slice(1)); },
    choose(side, address) {
      const chosen = compare.chosen();
      chosen.set(side, address);
      location.hash = decodeURIComponent(chosen.toString());
    },
    show() {
      const chosen = compare.chosen();
      for (const section of document.querySelectorAll("[data-side]")) {
        const address = chosen.get(section.dataset.side) || "";
        const frame = section.querySelector("iframe");
        const isPage = compare.isPage.test(address);
        frame.hidden = !isPage;
        section.querySelector(".chosen").replaceChildren(...(isPage
          ? [element("a", { href: root + address, textContent: address.replace(/(\/index)?\.html$/, "") })]
          : ["Nothing is chosen yet."]));
        const wanted = new URL(root + address, location.href).href;
        if (isPage && frame.src !== wanted) frame.src = wanted;
      }
    },
  };

  function setUpCompare() {
    if (!document.querySelector("#compare")) return;
    addEventListener("hashchange", compare.show);
    addEventListener("message", ({ source, data }) => {  // the sliders of two networks move together
      const frames = [...document.querySelectorAll("iframe")].map((frame) => frame.contentWindow);
      if (!frames.includes(source)) return;
      for (const other of frames) if (other !== source) other.postMessage(data, "*");
    });
    compare.show();
  }

  /* Keys: / searches, the arrows go to what stands before and after */

  function setUpKeys() {
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target.closest("input, select, textarea, [tabindex='0']")) return;
      const rel = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
      const neighbor = rel && document.querySelector(`link[rel="${rel}"]`);
      if (neighbor) location.href = neighbor.href;
      if (event.key === "/") {
        event.preventDefault();
        document.querySelector("#search").focus();
      }
    });
  }

  addEventListener("beforeprint", () => {
    for (const image of document.images) image.loading = "eager";
  });
  if (isEmbedded) page.classList.add("embedded");
  showTheme();
  addEventListener("DOMContentLoaded", () => {
    setUpTheme();
    document.querySelectorAll("[data-search]").forEach(setUpSearch);
    setUpChannels();
    setUpDepth();
    setUpCompare();
    setUpKeys();
  });
  return { shard, find, loadIndex };
})();
