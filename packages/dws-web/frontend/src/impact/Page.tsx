// From a file to every result that was made from it, version by version.

import { useMemo } from "preact/hooks";
import * as data from "../data";
import { fields } from "../experiments/view";
import { useLoaded, Waiting } from "../parts/Waiting";
import { addressOf } from "../route";
import { table } from "../state";
import { plural, short, title, visible, when } from "../text";
import type { Row, Use } from "../types";

const MOST_METRICS = 4;

export function ImpactPage({ resource, path }: { resource: string; path: string }) {
  const [found, failure] = useLoaded(() => data.impact(resource, path), [resource, path]);
  const versions = useMemo(() => {
    const groups = new Map<string, Use[]>();
    for (const use of found?.uses ?? []) {
      const key = use.version ?? "";
      groups.set(key, [...(groups.get(key) ?? []), use]);
    }
    return [...groups];
  }, [found]);
  const place = path ? `${resource}:${path}` : resource;
  if (!found) {
    return (
      <main>
        <Waiting failure={failure} />
      </main>
    );
  }
  const snapshots = new Set(found.uses.map((use) => use.hash)).size;
  return (
    <main class="snapshot impact">
      <header class="page-head">
        <h1>What used {visible(place)}</h1>
        <p class="muted">
          {found.uses.length
            ? `The results of ${plural(snapshots, "state")} were made from it, in ${plural(versions.length, "version")}`
            : "No result was made from it, as far as steps were recorded"}
          {found.searched < found.total ? `. Only the newest ${plural(found.searched, "snapshot")} of ${found.total} were looked at` : ""}
        </p>
      </header>
      {versions.map(([version, uses]) => (
        <Version key={version} version={version} uses={uses} />
      ))}
    </main>
  );
}

function Version({ version, uses }: { version: string; uses: Use[] }) {
  const rows = new Map((table.value?.rows ?? []).map((row) => [row.hash, row]));
  const known = uses.map((use) => rows.get(use.hash)).filter((row): row is Row => row !== undefined);
  const metrics = fields.value.filter((field) => field.kind === "metric" && !field.name.includes(".") && known.some((row) => typeof field.value(row) === "number")).slice(0, MOST_METRICS);
  const label = version ? `Version ${visible(version.slice(0, 10))}` : "A version that is not recorded";
  return (
    <section>
      <div class="section-head">
        <h2 title={visible(version)}>{label}</h2>
        {known.length > 1 && known.length <= 20 && (
          <a class="button small" href={addressOf("compare", known.map((row) => row.hash))}>
            Compare them
          </a>
        )}
      </div>
      <div class="scrolls" tabIndex={0} role="region" aria-label={label}>
        <table class="plain even">
          <thead>
            <tr>
              <th scope="col">Snapshot</th>
              <th scope="col">Taken</th>
              <th scope="col">Results</th>
              <th scope="col">Read by</th>
              {metrics.map((field) => (
                <th key={field.id} scope="col" class="number">
                  {visible(field.name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {uses.map((use) => {
              const row = rows.get(use.hash);
              return (
                <tr key={use.hash}>
                  <th scope="row">
                    <a href={`${addressOf("snapshot", [use.hash])}?tab=lineage`}>{title(row ?? { hash: use.hash })}</a>
                  </th>
                  <td>{when(row?.created)}</td>
                  <td>{use.results.map(visible).join(", ")}</td>
                  <td>{use.steps.map(visible).join(", ")}</td>
                  {metrics.map((field) => (
                    <td key={field.id} class="number">
                      {row ? short(field.value(row)) : ""}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
