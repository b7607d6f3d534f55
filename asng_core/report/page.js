// Draws every chart that the page holds as JSON, in the page's colours, again when those change.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const refused = () => Promise.reject(new Error("this page loads nothing"));
  const loader = { load: refused, sanitize: refused, http: refused, file: refused };
  const config = () => {
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue("--" + name).trim();
    const [ink, faint, line] = ["ink", "faint", "line"].map(colour);
    return {
      background: "transparent", font: "system-ui, sans-serif",
      view: { stroke: "transparent" },
      axis: { labelColor: faint, titleColor: ink, gridColor: line, gridOpacity: 0.6, domainColor: faint,
        tickColor: faint, labelLimit: 130, titleFontWeight: "normal" },
      legend: { labelColor: ink, titleColor: ink, labelLimit: 260, titleFontWeight: "normal" },
      title: { color: ink, fontWeight: "normal" }, text: { color: ink },
      range: { category: ["one", "two", "three", "mark", "faint"].map(colour), ramp: [colour("one"), colour("line")] },
      mark: { color: colour("one") }, rule: { color: ink }, tick: { color: colour("two") },
      style: { faint: { color: faint }, second: { color: colour("two") }, bad: { color: colour("mark") } },
    };
  };
  const charts = [...document.querySelectorAll(".chart")].map((element) => {
    const spec = JSON.parse(document.getElementById(element.dataset.spec).textContent);
    return { element, spec, drawn: null };
  });
  const draw = async () => {
    for (const chart of charts) {
      if (chart.drawn) chart.drawn.finalize();
      chart.drawn = await vegaEmbed(chart.element, chart.spec, {
        mode: "vega-lite", renderer: "svg", config: config(), loader,
        actions: { export: true, source: false, compiled: false, editor: false },
      });
      const menu = chart.element.querySelector("summary");  // a picture, which says nothing by itself
      if (menu) menu.setAttribute("aria-label", "Save this chart");
    }
    document.documentElement.dataset.drawn = String(charts.length);
  };
  draw();
  dark.addEventListener("change", draw);
})();
