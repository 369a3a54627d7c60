// The same file of several snapshots side by side: pictures at once, any other kind when it is chosen.

import { useEffect, useMemo, useState } from "preact/hooks";
import { Blocks } from "../parts/Blocks";
import { colourOf } from "../parts/Chart";
import { ownName, previewOf } from "../snapshot/Files";
import { title, visible } from "../text";
import { type Block, type FileEntry, NOW, type Snapshot } from "../types";

const PICTURE = /\.(png|jpe?g|gif|webp|svg)$/i;
const NO_TABLE = /(^|\/)(results|metrics_history|lineage)\.json$|\.jsonl$/i;
const MOST_PICTURES = 8;

/** By its name in the results, the file of each snapshot that has it. */
type Named = [string, (FileEntry | undefined)[]];

export function Files({ snapshots }: { snapshots: Snapshot[] }) {
  const [chosen, setChosen] = useState("");
  const named = useMemo(() => {
    const found = new Map<string, (FileEntry | undefined)[]>();
    snapshots.forEach((snapshot, index) => {
      for (const file of snapshot.files) {
        const name = `${file.resource}:${ownName(snapshot, file.path)}`;
        const files = found.get(name) ?? snapshots.map(() => undefined);
        files[index] = file;
        found.set(name, files);
      }
    });
    return [...found].filter(([, files]) => files.filter(Boolean).length > 1);
  }, [snapshots]);
  const pictures = named.filter(([name]) => PICTURE.test(name));
  const others = named.filter(([name]) => !PICTURE.test(name) && !NO_TABLE.test(name));
  const shown = others.find(([name]) => name === chosen) ?? others.find(([name]) => /\.(csv|tsv|parquet|pq)$/i.test(name));
  if (!named.length || (!pictures.length && !others.length)) {
    return null;
  }
  return (
    <section aria-label="Files side by side">
      {pictures.slice(0, MOST_PICTURES).map((each) => (
        <Row key={each[0]} named={each} snapshots={snapshots} />
      ))}
      {pictures.length > MOST_PICTURES && <p class="muted">and {pictures.length - MOST_PICTURES} more pictures</p>}
      {others.length > 0 && (
        <div class="section-head start">
          <h2>Side by side</h2>
          <label class="select small">
            File
            <select value={shown?.[0] ?? ""} onChange={(event) => setChosen(event.currentTarget.value)}>
              {!shown && <option value="">none</option>}
              {others.map(([name]) => (
                <option key={name} value={name}>
                  {visible(name)}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      {shown && <Row key={shown[0]} named={shown} snapshots={snapshots} hasNoHead />}
    </section>
  );
}

function Row({ named: [name, files], snapshots, hasNoHead = false }: { named: Named; snapshots: Snapshot[]; hasNoHead?: boolean }) {
  return (
    <div class="beside">
      {!hasNoHead && <h2>{visible(name.slice(name.indexOf(":") + 1))}</h2>}
      <div class="scrolls beside-row" tabIndex={0} role="region" aria-label={visible(name)}>
        {snapshots.map((snapshot, index) => (
          <figure key={snapshot.hash} class="picture">
            <figcaption>
              <span class="dot" style={{ background: colourOf(index) }} /> {title(snapshot)}
            </figcaption>
            <Content snapshot={snapshot} file={files[index]} />
          </figure>
        ))}
      </div>
    </div>
  );
}

function Content({ snapshot, file }: { snapshot: Snapshot; file: FileEntry | undefined }) {
  const [blocks, setBlocks] = useState<Block[] | null>(null);
  useEffect(() => {
    let isWanted = true;
    if (file) {
      previewOf(snapshot, { at: NOW, resource: file.resource, path: file.path }).then(
        (preview) => isWanted && setBlocks(preview.blocks),
        () => isWanted && setBlocks([]),
      );
    }
    return () => {
      isWanted = false;
    };
  }, [snapshot.hash, file?.path]);
  if (!file) {
    return <p class="muted">not there</p>;
  }
  return blocks === null ? <p class="muted">…</p> : <Blocks blocks={blocks} name={`${file.path} of ${title(snapshot)}`} />;
}
