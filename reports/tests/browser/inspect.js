// Looks at the page as a reader would and returns what is wrong with it, as a list of sentences.
// `expected` says how many charts there must be at least.
(expected) => {
  const complaints = [];
  const seen = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const excerpt = (element) => element.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
  const titleOf = (svg) => [...svg.children].find((child) => child.tagName === "title")?.textContent.trim();

  // Every chart is there, as large as something, and says what it shows.
  const charts = [...document.querySelectorAll("svg[role=img]")];
  if (charts.length < expected) complaints.push(`${charts.length} charts, expected ${expected} or more`);
  for (const [index, svg] of charts.entries()) {
    // One behind a disclosure that is closed is there as soon as it is opened.
    if (svg.closest("details:not([open])")) svg.closest("details").open = true;
    const name = titleOf(svg) || `number ${index + 1}`;
    if (!seen(svg)) complaints.push(`chart "${name}" cannot be seen`);
    const place = svg.closest("figure") ?? svg.closest("section");
    if (!place?.querySelector("table, ol")) complaints.push(`chart "${name}" has neither a table nor a list behind it`);
    if (!titleOf(svg)) complaints.push(`chart ${name} has no title`);
  }

  // No text of a drawing lies over another or beyond the drawing's edge.
  for (const svg of document.querySelectorAll("svg")) {
    const name = titleOf(svg) || "without a title";
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")]
      .filter((text) => text.textContent.trim() !== "" && seen(text))
      .map((text) => ({ text, box: text.getBoundingClientRect() }));
    for (const { text, box } of texts) {
      const beyond = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom);
      if (beyond > 2) complaints.push(`drawing "${name}": "${excerpt(text)}" is cut off by ${beyond.toFixed(0)} px`);
    }
    for (const [index, one] of texts.entries()) {
      for (const other of texts.slice(index + 1)) {
        const width = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const height = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        // Boxes hold the space above and below the letters; a third of it may be shared without letters touching.
        const thin = Math.min(one.box.height, other.box.height, one.box.width, other.box.width);
        // A text drawn twice in one place is its own halo.
        const halo = one.text.textContent === other.text.textContent && width > 0.9 * one.box.width;
        if (Math.min(width, height) > Math.max(1, thin / 3) && !halo) {
          complaints.push(`drawing "${name}": "${excerpt(one.text)}" and "${excerpt(other.text)}" overlap`);
        }
      }
    }
  }

  // The page does not scroll sideways; a table may within its own frame.
  const page = document.scrollingElement;
  if (!document.querySelector("meta[name=viewport][content*='width=device-width']")) {
    complaints.push("the page does not say that it fits a phone's width, so a phone shows it as on a desk");
  }
  if (page.scrollWidth > page.clientWidth) {
    const scrolls = (element) => /auto|scroll|hidden/.test(getComputedStyle(element).overflowX);
    const framed = (element) => {
      for (let above = element.parentElement; above && above !== document.body; above = above.parentElement) {
        if (scrolls(above)) return true;
      }
      return false;
    };
    const wide = [...document.body.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > page.clientWidth + 1 && !framed(element),
    );
    const names = wide.slice(0, 5).map((element) => `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}">`);
    complaints.push(`the page is ${page.scrollWidth} px wide in a window of ${page.clientWidth} px: ${names.join(", ")}`);
  }

  // Text can be told from what it stands on (WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 for large text).
  const channels = (color) => {
    const parts = color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  // What the browser paints below everything; paper is white whatever the screen is.
  const root = getComputedStyle(document.documentElement);
  const dark = !matchMedia("print").matches && matchMedia("(prefers-color-scheme: dark)").matches && root.colorScheme.includes("dark");
  const canvas = dark ? [18, 18, 18] : [255, 255, 255];
  const background = (element) => {
    for (let above = element; above; above = above.parentElement) {
      const { rgb, alpha } = channels(getComputedStyle(above).backgroundColor);
      if (alpha === 1) return rgb;
      // What shines through is not computed.
      if (alpha > 0) return null;
    }
    return canvas;
  };
  const faint = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    // In a drawing a text may stand on any shape.
    if (!node.data.trim() || element.closest("svg, script, style") || !seen(element)) continue;
    const style = getComputedStyle(element);
    const below = background(element);
    const { rgb, alpha } = channels(style.color);
    if (!below || alpha < 1) continue;
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(rgb, below);
    if (ratio < (large ? 3 : 4.5)) faint.set(`${style.color} on rgb(${below.join(", ")})`, `"${excerpt(element)}" is faint: ${ratio.toFixed(1)} to 1`);
  }
  for (const [colors, what] of faint) complaints.push(`${what} (${colors})`);
  return complaints;
}
