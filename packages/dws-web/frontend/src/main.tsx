// The frame around all pages.

import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { ComparePage } from "./compare/Page";
import { ExperimentsPage, MOST_COMPARED } from "./experiments/Page";
import { isExport } from "./data";
import { recall } from "./experiments/view";
import { ImpactPage } from "./impact/Page";
import { LivePage } from "./live/Page";
import { Icon } from "./parts/Icon";
import { Waiting } from "./parts/Waiting";
import { addressOf, route } from "./route";
import { SnapshotPage } from "./snapshot/Page";
import { notice, problem, reload, table } from "./state";
import "./style/base.css";
import "./style/compare.css";
import "./style/experiments.css";
import "./style/live.css";
import "./style/snapshot.css";
import { visible } from "./text";
import { switchTheme, theme } from "./theme";
import { NOW } from "./types";

function App() {
  const { page, names } = route.value;
  const known = table.value;
  useEffect(() => {
    document.title = known ? `${visible(known.workspace)} – experiments` : "Experiments";
  }, [known]);
  return (
    <>
      <header class="top">
        <a class="skip" href="#app-main" onClick={(event) => (event.preventDefault(), document.querySelector<HTMLElement>("main [tabindex], main a, main button, main input")?.focus())}>
          To the content
        </a>
        <a class="brand" href={addressOf("")}>
          <img src="app/icon.svg" alt="" width={22} height={22} />
          <strong>{known ? visible(known.workspace) : "Data Workspaces"}</strong>
        </a>
        <nav aria-label="Pages">
          <a href={addressOf("")} aria-current={page === "" ? "page" : undefined}>
            Experiments
          </a>
          {(!isExport || known?.rows.some((row) => row.hash === NOW)) && (
            <a href={addressOf("snapshot", [NOW])} aria-current={page === "snapshot" && names[0] === NOW ? "page" : undefined}>
              Present state
            </a>
          )}
          {!isExport && (
            <a href={addressOf("live")} aria-current={page === "live" ? "page" : undefined}>
              Live
            </a>
          )}
        </nav>
        <button type="button" class="icon-button" aria-label={theme.value === "dark" ? "Light colours" : "Dark colours"} title={theme.value === "dark" ? "Light colours" : "Dark colours"} onClick={switchTheme}>
          <Icon name={theme.value === "dark" ? "sun" : "moon"} />
        </button>
      </header>
      {known?.warnings.map((warning) => (
        <p key={warning} class="warning banner">
          {visible(warning)}
        </p>
      ))}
      {known ? <Page page={page} names={names} /> : <main><Waiting failure={problem.value} /></main>}
      <div class={`notice${notice.value ? " shown" : ""}`} role="status" aria-live="polite">
        {visible(notice.value)}
      </div>
    </>
  );
}

function Page({ page, names }: { page: string; names: string[] }) {
  if (page === "snapshot" && names[0]) {
    return <SnapshotPage name={names[0]} key={names[0]} />;
  }
  if (page === "compare" && names.length > 1) {
    return <ComparePage names={names.slice(0, MOST_COMPARED)} key={names.join()} />;
  }
  if (page === "live" && !isExport) {
    return <LivePage />;
  }
  if (page === "impact" && names[0] && !isExport) {
    const path = route.value.options.get("path") ?? "";
    return <ImpactPage resource={names[0]} path={path} key={`${names[0]}:${path}`} />;
  }
  return <ExperimentsPage />;
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    const field = document.getElementById("search");
    if (field) {
      field.focus();
      event.preventDefault();
    }
  }
});

let isRecalled = false;
effect(() => {
  if (table.value && !isRecalled) {
    isRecalled = true;
    recall();
  }
});

const place = document.getElementById("app");
if (place) {
  void reload();
  render(<App />, place);
}
